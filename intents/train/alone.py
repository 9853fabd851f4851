"""The trained network as it is asked: one message at a time.

Nothing is padded, so nothing is masked, and query, key and value are one product: the same answers as `Network` gives, for
less time (`docs/adr/0009-one-message-at-a-time.md`).
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
        self.layers = nn.Sequential(
            *(_Layer(cast("BertLayer", layer), bert.config.num_attention_heads) for layer in bert.encoder.layer)
        )

    def forward(self, ids: torch.Tensor, earlier: torch.Tensor) -> torch.Tensor:
        """Logits, one for each answer. `ids` and `earlier` have one number for each word piece."""
        known = self.embeddings
        where = known.position_embeddings.weight[: ids.shape[0]]
        hidden = known.LayerNorm(known.word_embeddings(ids) + where + known.token_type_embeddings(earlier))
        hidden = self.layers(hidden)
        last = (1 - earlier).to(hidden.dtype).unsqueeze(-1)
        logits: torch.Tensor = self.heads(torch.cat([hidden[0], (hidden * last).sum(0) / last.sum()], -1))
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

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        parts = self.together(hidden).reshape(-1, 3, self.heads, self.width // self.heads).permute(1, 2, 0, 3)
        told = torch.softmax(parts[0] @ parts[1].transpose(1, 2), -1) @ parts[2]
        hidden = self.attended.LayerNorm(hidden + self.attended.dense(told.permute(1, 0, 2).reshape(-1, self.width)))
        return self.narrow.LayerNorm(hidden + self.narrow.dense(functional.gelu(self.wide(hidden))))
