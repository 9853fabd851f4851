"""The trained network as it is asked: one message at a time.

Nothing is padded, so nothing is masked; query, key and value are one product; and the last layer goes on with the pieces of
the last message only, since the heads look at no others: the same answers as `Network` gives, for less time
(`docs/adr/0009-one-message-at-a-time.md`).
"""

from __future__ import annotations

from typing import cast

import torch
from torch import nn
from torch.nn import functional
from transformers.models.bert.modeling_bert import BertLayer

from intents.train.network import Network


class Alone(nn.Module):
    """A trained network for one message."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        bert = network.encoder
        self.embeddings, self.heads = bert.embeddings, network.heads
        *first, last = (
            _Layer(cast("BertLayer", layer), bert.config.num_attention_heads) for layer in bert.encoder.layer
        )
        self.first, self.last = nn.ModuleList(first), last

    def forward(self, ids: torch.Tensor, earlier: torch.Tensor) -> torch.Tensor:
        """Logits, one for each answer. `ids` and `earlier` have one number for each word piece."""
        known = self.embeddings
        where = known.position_embeddings.weight[: ids.shape[0]]
        hidden = known.LayerNorm(known.word_embeddings(ids) + where + known.token_type_embeddings(earlier))
        for layer in self.first:
            hidden = layer(hidden, hidden)
        hidden = self.last(hidden, hidden[: (1 - earlier).sum()])
        logits: torch.Tensor = self.heads(torch.cat([hidden[0], hidden.mean(0)], -1))
        return logits


class _Layer(nn.Module):
    """One layer of the encoder, with what scales the scores already in the weights of queries and keys."""

    def __init__(self, layer: BertLayer, heads: int) -> None:
        super().__init__()
        asked = layer.attention.self
        scale = (asked.query.out_features / heads) ** 0.25
        parts = [(asked.query, scale), (asked.key, scale), (asked.value, 1.0)]
        self.together = nn.Linear(asked.query.in_features, 3 * asked.query.out_features)
        self.together.weight = nn.Parameter(torch.cat([part.weight / by for part, by in parts]))
        self.together.bias = nn.Parameter(torch.cat([part.bias / by for part, by in parts]))
        self.width, self.heads = asked.query.in_features, heads
        self.attended, self.wide, self.narrow = layer.attention.output, layer.intermediate.dense, layer.output

    def forward(self, hidden: torch.Tensor, asking: torch.Tensor) -> torch.Tensor:
        """What becomes of the first pieces, `asking`, in the light of them all."""
        parts = self.together(hidden).reshape(-1, 3, self.heads, self.width // self.heads).permute(1, 2, 0, 3)
        queries = parts[0] if asking is hidden else parts[0][:, : asking.shape[0]]
        told = torch.softmax(queries @ parts[1].transpose(1, 2), -1) @ parts[2]
        hidden = self.attended.LayerNorm(asking + self.attended.dense(told.permute(1, 0, 2).reshape(-1, self.width)))
        return self.narrow.LayerNorm(hidden + self.narrow.dense(functional.gelu(self.wide(hidden))))
