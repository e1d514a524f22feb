"""TimeSformer (Bertasius et al., ICML 2021), base size, with attention divided into time and space.

Every block attends over the frames at a patch's place, then over the patches of a frame. Modules
are called as the authors call them; checkpoints of theirs and of transformers (a library) are read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

WIDTH, HEADS, DEPTH, PATCH = 768, 12, 12, 16
EPSILON = 1e-6


class Attention(nn.Module):
    """Self-attention of tokens (B, N, width).

    Args:
        width: of tokens.
        heads: that share it.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Tokens to tokens."""
        batch, count, width = x.shape
        parts = self.qkv(x).reshape(batch, count, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(query, key, value)
        out: Tensor = self.proj(mixed.transpose(1, 2).reshape(batch, count, width))
        return out


class Mlp(nn.Module):
    """Two layers with a GELU between."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Tokens to tokens."""
        out: Tensor = self.fc2(F.gelu(self.fc1(x)))
        return out


class Block(nn.Module):
    """Attention over time, attention over space, MLP, each beside a shortcut."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.temporal_norm1, self.norm1, self.norm2 = (
            nn.LayerNorm(width, eps=EPSILON) for _ in range(3)
        )
        self.temporal_attn = Attention(width, heads)
        self.temporal_fc = nn.Linear(width, width)
        self.attn = Attention(width, heads)
        self.mlp = Mlp(width)

    def forward(self, whole: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """The token of the clip (B, 1, D) and those of its patches (B, N, T, D)."""
        batch, places, frames, width = x.shape
        over_time = self.temporal_attn(self.temporal_norm1(x.flatten(0, 1)))
        x = x + self.temporal_fc(over_time).reshape(x.shape)
        # Every frame sees the clip's token; what they make of it is averaged.
        pictures = x.transpose(1, 2).flatten(0, 1)
        tokens = torch.cat([whole.repeat_interleave(frames, 0), pictures], dim=1)
        seen = self.attn(self.norm1(tokens)).reshape(batch, frames, places + 1, width)
        whole = whole + seen[:, :, 0].mean(dim=1, keepdim=True)
        x = x + seen[:, :, 1:].transpose(1, 2)
        return whole + self.mlp(self.norm2(whole)), x + self.mlp(self.norm2(x))


class TimeSformer(nn.Module):
    """The network.

    Args:
        classes: how many.
        frames: of a clip.
        side: px of its square frames, a multiple of 16.
        width: of tokens.
        heads: of attention.
        depth: blocks.
    """

    def __init__(
        self,
        classes: int,
        frames: int,
        side: int,
        width: int = WIDTH,
        heads: int = HEADS,
        depth: int = DEPTH,
    ) -> None:
        super().__init__()
        places = (side // PATCH) ** 2
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, places + 1, width))
        self.time_embed = nn.Parameter(torch.zeros(1, frames, width))
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(3, width, PATCH, PATCH)})
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width, eps=EPSILON)
        self.head = nn.Linear(width, classes)

    def forward(self, clips: Tensor) -> Tensor:
        """Normalised clips (B, 3, T, H, W) to scores (B, classes), before a softmax."""
        batch, frames = clips.shape[0], clips.shape[2]
        patches = self.patch_embed["proj"](clips.transpose(1, 2).flatten(0, 1))
        x = patches.flatten(2).transpose(1, 2) + self.pos_embed[:, 1:]
        x = x.reshape(batch, frames, *x.shape[1:]).transpose(1, 2)  # B, places, T, width
        x = x + self.time_embed[:, None]
        whole = (self.cls_token + self.pos_embed[:, :1]).expand(batch, -1, -1)
        for block in self.blocks:
            whole, x = block(whole, x)
        scores: Tensor = self.head(self.norm(whole)[:, 0])
        return scores


# Names in checkpoints of the library transformers -> the authors'.
_NAMES = (
    (r"^(model|timesformer)\.", ""),
    (r"^embeddings\.position_embeddings$", "pos_embed"),
    (r"^embeddings\.time_embeddings$", "time_embed"),
    (r"^embeddings\.patch_embeddings\.projection\.", "patch_embed.proj."),
    (r"^embeddings\.", ""),
    (r"^encoder\.layer\.", "blocks."),
    (r"\btemporal_attention\.attention\.", "temporal_attn."),
    (r"\btemporal_attention\.output\.dense\.", "temporal_attn.proj."),
    (r"\battention\.attention\.", "attn."),
    (r"\battention\.output\.dense\.", "attn.proj."),
    (r"\btemporal_layernorm\.", "temporal_norm1."),
    (r"\btemporal_dense\.", "temporal_fc."),
    (r"\blayernorm_before\.", "norm1."),
    (r"\blayernorm_after\.", "norm2."),
    (r"\bintermediate\.dense\.", "mlp.fc1."),
    (r"\boutput\.dense\.", "mlp.fc2."),
    (r"^layernorm\.", "norm."),
    (r"^classifier\.", "head."),
)


def names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A checkpoint of the authors' or of transformers under the names of :class:`TimeSformer`."""
    renamed = {}
    for name, value in state.items():
        for pattern, new in _NAMES:
            name = re.sub(pattern, new, name)
        renamed[name] = value
    return renamed
