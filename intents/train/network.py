"""The network that is trained: a small sentence encoder with one linear layer of heads."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import nn
from transformers import BertModel

from intents.encoder import Pieces

_DROPPED = 0.1


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

    def shortened(self, kept: Sequence[int]) -> Network:
        """A copy of which only these layers are left, counted from 0; what it knows of single words stays as it is.

        It is to do as its teacher does, as exactly as it can: nothing is dropped from it while it learns.
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
        return short


def batch(messages: Sequence[Pieces]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The arguments of `Network.sense` for some messages, padded to the longest."""
    shape = (len(messages), max(len(message.ids) for message in messages))
    ids, earlier, there = (torch.zeros(shape, dtype=torch.long) for _ in range(3))
    for line, message in enumerate(messages):
        ids[line, : len(message.ids)] = torch.tensor(message.ids)
        earlier[line, : len(message.ids)] = torch.tensor(message.earlier)
        there[line, : len(message.ids)] = 1
    return ids, earlier, there
