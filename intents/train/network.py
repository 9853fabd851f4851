"""The network that is trained: a small sentence encoder with one linear layer of heads."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import partial
from typing import cast

import torch
from torch import nn
from transformers import BertModel
from transformers.models.bert.modeling_bert import BertLayer

from intents.encoder import Pieces

_DROPPED = 0.1
_READ_AT_ONCE = 64


class Network(nn.Module):
    """Logits of all heads, side by side, from the first piece and the mean over the pieces of the last message."""

    def __init__(self, base: str, answers: int) -> None:
        super().__init__()
        self.encoder = BertModel.from_pretrained(base, add_pooling_layer=False)
        self.dropout = nn.Dropout(_DROPPED)
        self.heads = nn.Linear(2 * self.encoder.config.hidden_size, answers)
        nn.init.normal_(self.heads.weight, std=0.02)
        nn.init.zeros_(self.heads.bias)

    def sense(self, ids: torch.Tensor, earlier: torch.Tensor, there: torch.Tensor) -> torch.Tensor:
        """What the heads are given of each message.

        `ids`, `earlier` and `there` (1 for a piece, 0 for padding) have a line for each.
        """
        hidden = self.encoder(input_ids=ids, attention_mask=there, token_type_ids=earlier).last_hidden_state
        last = (there * (1 - earlier)).unsqueeze(-1).to(hidden.dtype)
        return torch.cat([hidden[:, 0], (hidden * last).sum(1) / last.sum(1)], -1)

    def answers(self, sense: torch.Tensor) -> torch.Tensor:
        """The logits that follow from it."""
        logits: torch.Tensor = self.heads(self.dropout(sense))
        return logits

    def shortened(self, kept: Sequence[int], width: int, seen: Sequence[Pieces]) -> Network:
        """A copy with only these layers, counted from 0, and of their inner units the `width` that say most of `seen`.

        What it knows of single words stays as it is. It is to do as its teacher does, as exactly as it can: nothing is
        dropped from it while it learns.
        """
        short = copy.deepcopy(self)
        short.encoder.embeddings.word_embeddings.weight.requires_grad_(False)
        for part in short.modules():
            if isinstance(part, nn.Dropout):
                part.p = 0.0
        short.encoder.set_attn_implementation("eager")  # without dropping, PyTorch's own way takes longer here
        layers = short.encoder.encoder.layer
        short.encoder.encoder.layer = nn.ModuleList(layers[place] for place in kept)
        short.encoder.config.num_hidden_layers = len(kept)
        short._narrow(width, seen)
        return short

    def _narrow(self, width: int, seen: Sequence[Pieces]) -> None:
        """Drop the inner units that weigh least in what a layer passes on when these messages are read."""
        layers = [cast("BertLayer", layer) for layer in self.encoder.encoder.layer]
        loud = [torch.zeros(layer.intermediate.dense.out_features) for layer in layers]
        hooks = [
            layer.intermediate.register_forward_hook(partial(_hear, heard))
            for layer, heard in zip(layers, loud, strict=True)
        ]
        with torch.no_grad():
            for first in range(0, len(seen), _READ_AT_ONCE):
                self.sense(*batch(seen[first : first + _READ_AT_ONCE]))
        for hook in hooks:
            hook.remove()
        for layer, heard in zip(layers, loud, strict=True):
            inner, outer = layer.intermediate.dense, layer.output.dense
            stay = (heard.sqrt() * outer.weight.detach().norm(dim=0)).topk(width).indices.sort().values
            inner.weight, inner.bias = _left(inner.weight[stay]), _left(inner.bias[stay])
            outer.weight = _left(outer.weight[:, stay])
            inner.out_features = outer.in_features = width


def _left(weights: torch.Tensor) -> nn.Parameter:
    return nn.Parameter(weights.detach().clone())


def _hear(heard: torch.Tensor, _module: nn.Module, _given: object, said: torch.Tensor) -> None:
    heard += said.square().sum((0, 1))


def batch(messages: Sequence[Pieces]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The arguments of `Network.sense` for some messages, padded to the longest."""
    shape = (len(messages), max(len(message.ids) for message in messages))
    ids, earlier, there = (torch.zeros(shape, dtype=torch.long) for _ in range(3))
    for line, message in enumerate(messages):
        ids[line, : len(message.ids)] = torch.tensor(message.ids)
        earlier[line, : len(message.ids)] = torch.tensor(message.earlier)
        there[line, : len(message.ids)] = 1
    return ids, earlier, there
