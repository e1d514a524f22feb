"""Inter-frame attention: appearance and motion of two frames at once, in shifted windows.

Paper: Zhang et al. 2023, section 3.2. Four habits of the published networks are part of their
weights and are kept: the residual starts from the *normalised* features; windows are padded with
zeros before the normalisation; the mask of the padding is laid out un-rolled even where the windows
are rolled; coordinates run over the un-padded map.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vcmflow.nets.ema_vfi.strips import Strips

MASKED = -100.0


@dataclass(frozen=True)
class Layout:
    """How an h x w map is cut into windows: everything that the attention mask depends on."""

    height: int
    width: int
    window: int
    shift: int

    @property
    def padding(self) -> tuple[int, int, int, int]:
        """Zero rows and columns at (left, right, top, bottom) that make whole windows."""
        x = -self.width % self.window
        y = -self.height % self.window
        return (x // 2, x - x // 2, y // 2, y - y // 2)

    @property
    def grid(self) -> tuple[int, int]:
        """Windows along (y, x)."""
        return (-(-self.height // self.window), -(-self.width // self.window))

    def mask(self) -> Tensor | None:
        """What to add to the attention logits: (rows, columns, N, N), N cells a window, or None."""
        left, _, top, _ = self.padding
        size = (self.grid[0] * self.window, self.grid[1] * self.window)
        apart: Tensor | None = None
        if any(self.padding):
            apart = self._apart(
                _bands(size[0], (top, top + self.height)),
                _bands(size[1], (left, left + self.width)),
            )
        if self.shift:
            rolled = self._apart(
                *(_bands(side, (side - self.window, side - self.shift)) for side in size)
            )
            apart = rolled if apart is None else apart | rolled
        return None if apart is None else apart.float() * MASKED

    def _apart(self, y_band: Tensor, x_band: Tensor) -> Tensor:
        """Which cells of each window lie in different regions, given each row's and column's."""
        region = (y_band[:, None] * 3 + x_band[None, :]).float()
        cells = to_windows(region[None, :, :, None], self.window)[0, ..., 0]
        return cells[..., :, None] != cells[..., None, :]


def _bands(size: int, cuts: tuple[int, int]) -> Tensor:
    """Number the cells 0..size-1 by the two cuts: 0 before the first, 2 from the second on."""
    cells = torch.arange(size)
    return (cells >= cuts[0]).long() + (cells >= cuts[1]).long()


def to_windows(x: Tensor, window: int) -> Tensor:
    """(B, H, W, C) -> (B, H / window, W / window, window^2, C)."""
    batch, height, width, channels = x.shape
    x = x.view(batch, height // window, window, width // window, window, channels)
    return x.transpose(2, 3).flatten(3, 4)


def from_windows(x: Tensor, window: int) -> Tensor:
    """Inverse of :func:`to_windows`."""
    batch, rows, columns, _, channels = x.shape
    x = x.view(batch, rows, columns, window, window, channels)
    return x.transpose(2, 3).reshape(batch, rows * window, columns * window, channels)


class InterFrameAttention(nn.Module):
    """Each frame's windows look at the same windows of the other frame."""

    def __init__(self, channels: int, motion_width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q = nn.Linear(channels, channels)
        self.kv = nn.Linear(channels, channels * 2)
        self.cor_embed = nn.Linear(2, motion_width)
        self.proj = nn.Linear(channels, channels)
        self.motion_proj = nn.Linear(motion_width, motion_width)

    def _split(self, x: Tensor) -> Tensor:
        """(…, N, C) -> (…, heads, N, C / heads)."""
        return x.view(*x.shape[:-1], self.heads, -1).transpose(-2, -3)

    def forward(self, x: Tensor, places: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """Attend across frames.

        Args:
            x: (2B, rows, columns, N, C) windows; the first B are first frames.
            places: (1, rows, columns, N, 2) coordinates x, y of the cells.
            mask: (rows, columns, N, N) to add to the logits, or None.

        Returns:
            Appearance (2B, rows, columns, N, C) and motion (2B, rows, columns, N, M).
        """
        half = len(x) // 2
        query = self._split(self.q(x))
        key, value = (self._split(part) for part in self.kv(x).chunk(2, dim=-1))
        key, value = (torch.cat((part[half:], part[:half])) for part in (key, value))
        logits = (query @ key.transpose(-1, -2)) * (query.shape[-1] ** -0.5)
        if mask is not None:
            logits = logits + mask[:, :, None]
        weights = logits.softmax(dim=-1)
        appearance = self.proj((weights @ value).transpose(-2, -3).flatten(-2))
        here = self.cor_embed(places)
        there = (weights @ self._split(here)).transpose(-2, -3).flatten(-2)
        return appearance, self.motion_proj(there - here)


class DepthwiseConv(nn.Module):
    """3x3 convolution of each channel by itself."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, H, W, C) -> the same shape."""
        result: Tensor = self.dwconv(x.permute(0, 3, 1, 2))
        return result.permute(0, 2, 3, 1)


class Mlp(nn.Module):
    """Two linear layers with a depthwise convolution and an exact GELU between them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(channels, channels * 4)
        self.dwconv = DepthwiseConv(channels * 4)
        self.fc2 = nn.Linear(channels * 4, channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, H, W, C) -> the same shape."""
        result: Tensor = self.fc2(F.gelu(self.dwconv(self.fc1(x))))
        return result


class MotionBlock(nn.Module):
    """Inter-frame attention and an MLP, with normalisation."""

    def __init__(
        self, channels: int, motion_width: int, heads: int, window: int, shift: int
    ) -> None:
        super().__init__()
        self.window = window
        self.shift = shift
        self.norm1 = nn.LayerNorm(channels, eps=1e-6)
        self.attn = InterFrameAttention(channels, motion_width, heads)
        self.norm2 = nn.LayerNorm(channels, eps=1e-6)
        self.mlp = Mlp(channels)
        self._masks: dict[tuple[Layout, torch.device], Tensor | None] = {}

    def _mask(self, layout: Layout, device: torch.device) -> Tensor | None:
        # The full shape is the key: equal areas of different aspect need different masks.
        key = (layout, device)
        if key not in self._masks:
            if len(self._masks) >= 4:
                self._masks.clear()
            mask = layout.mask()
            self._masks[key] = None if mask is None else mask.to(device)
        return self._masks[key]

    def forward(self, x: Tensor, places: Tensor, strips: Strips) -> tuple[Tensor, Tensor]:
        """One block.

        Args:
            x: (2B, H, W, C), first frames first.
            places: (1, H, W, 2) coordinates x, y in -1..1.
            strips: how much to compute at a time.

        Returns:
            Appearance (2B, H, W, C) and motion (2B, H, W, M).
        """
        layout = Layout(x.shape[1], x.shape[2], self.window, self.shift)
        mask = self._mask(layout, x.device)
        padding = (0, 0, *layout.padding)
        x, places = F.pad(x, padding), F.pad(places, padding)
        if self.shift:
            x, places = (
                torch.roll(part, (-self.shift, -self.shift), (1, 2)) for part in (x, places)
            )
        appearance, motion = [], []
        # The logits of a row of windows: 2B * columns * heads * N^2 values.
        per_row = len(x) * layout.grid[1] * self.attn.heads * self.window**4
        step = max(1, strips.values // per_row)
        for row in range(0, layout.grid[0], step):
            band = slice(row * self.window, (row + step) * self.window)
            cells = self.norm1(to_windows(x[:, band], self.window))
            a, m = self.attn(
                cells,
                to_windows(places[:, band], self.window),
                None if mask is None else mask[row : row + step],
            )
            appearance.append(from_windows(cells + a, self.window))
            motion.append(from_windows(m, self.window))
        left, _, top, _ = layout.padding
        whole = []
        for bands in (appearance, motion):
            y = torch.cat(bands, dim=1)
            if self.shift:
                y = torch.roll(y, (self.shift, self.shift), (1, 2))
            whole.append(y[:, top : top + layout.height, left : left + layout.width])
        x = whole[0]
        x = x + strips.run(
            lambda part: self.mlp(self.norm2(part)),
            lambda low, high: x[:, low:high],
            (*x.shape[:3], x.shape[3] * 4),
            halo=1,
            dim=1,
        )
        return x, whole[1]
