"""From a trained network to the one file that Charter reads with: fewer words, 8-bit weights, and what its answers mean."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from tokenizers import Tokenizer

from guidance_kb.library import Library
from intents.encoder import Splitter, vocabulary_digest
from intents.train.alone import Alone
from intents.train.network import Network
from intents.train.targets import Heads

COMMONEST = 12_000
"""Of the base model's word pieces, which stand in order of how common they are, so many stay even if no example has them."""

_OPSET = 17


def pruned(tokenizer: Tokenizer, network: Network, texts: Sequence[str]) -> Tokenizer:
    """Drop the word pieces that neither English nor the examples need, from tokenizer and network alike."""
    told = json.loads(tokenizer.to_str())
    pieces = sorted(told["model"]["vocab"].items(), key=lambda pair: pair[1])
    splitter = Splitter(tokenizer)
    used = {piece for text in texts for piece in splitter.of(text).ids}
    kept = [(piece, id) for piece, id in pieces if id < COMMONEST or id in used or len(piece.removeprefix("##")) == 1]
    kept = [(piece, id) for piece, id in kept if not piece.startswith("[unused")]
    embeddings = network.encoder.embeddings.word_embeddings
    embeddings.weight = torch.nn.Parameter(embeddings.weight[[id for _, id in kept]].clone())
    told["model"]["vocab"] = {piece: place for place, (piece, _) in enumerate(kept)}
    for added in told["added_tokens"]:
        added["id"] = told["model"]["vocab"][added["content"]]
    told["truncation"] = told["padding"] = told["post_processor"] = None
    return Tokenizer.from_str(json.dumps(told))


def export(network: Network, tokenizer: Tokenizer, heads: Heads, library: Library) -> bytes:
    """The model file."""
    with tempfile.TemporaryDirectory() as folder:
        whole, small = Path(folder, "whole.onnx"), Path(folder, "small.onnx")
        torch.onnx.export(
            Alone(network).eval(),
            (torch.ones(8, dtype=torch.long), torch.tensor([0, 0, 0, 0, 0, 1, 1, 1])),
            str(whole),
            input_names=["ids", "earlier"],
            output_names=["logits"],
            dynamic_axes={"ids": {0: "pieces"}, "earlier": {0: "pieces"}},
            opset_version=_OPSET,
            dynamo=False,
        )
        quantize_dynamic(whole, small, weight_type=QuantType.QInt8, per_channel=True)
        model = onnx.load(small)
    said = {
        "facts": vocabulary_digest(),
        "table": library.table,
        "heads": json.dumps(heads),
        "tokenizer": tokenizer.to_str(),
    }
    onnx.helper.set_model_props(model, said)
    return bytes(model.SerializeToString())
