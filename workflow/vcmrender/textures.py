"""Textures with the statistics of photographs.

The material comes from the two sample photographs that scikit-learn ships (``china.jpg`` by Zeev
Barkan and ``flower.jpg`` by dany13, both CC BY 2.0) and from 1/f noise. Test scenes read the left
halves of the photographs only, training scenes the right halves, so that the two share no pixel.
"""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt

from vcmflow.core.errors import VcmflowError

Half = Literal["left", "right"]
Float = npt.NDArray[np.floating[Any]]
Bytes = npt.NDArray[np.uint8]
Colour = tuple[float, float, float]


@lru_cache(maxsize=4)
def photograph(name: str) -> Float:
    """One of scikit-learn's sample photographs, float32 H x W x 3 RGB in 0..1.

    The file is read directly: importing ``sklearn.datasets`` for it takes longer than a render.

    Raises:
        VcmflowError: scikit-learn or its pictures are missing.
    """
    found = importlib.util.find_spec("sklearn")
    places = list(found.submodule_search_locations or []) if found else []
    for place in places:
        picture = cv2.imread(str(Path(place) / "datasets" / "images" / name), cv2.IMREAD_COLOR)
        if picture is not None:
            return np.asarray(picture[:, :, ::-1], np.float32) / np.float32(255)
    raise VcmflowError(f"scikit-learn's sample photograph {name} not found; install scikit-learn")


def spectral_noise(rng: np.random.Generator, size: int, slope: float) -> Float:
    """Periodic noise whose amplitude falls as 1/f^slope: size x size, mean 0, deviation 1."""
    row = np.fft.fftfreq(size)[:, None]
    column = np.fft.rfftfreq(size)[None, :]
    radius = np.sqrt(row**2 + column**2)
    radius[0, 0] = 1.0
    spectrum = np.fft.rfft2(rng.standard_normal((size, size))) / radius**slope
    spectrum[0, 0] = 0.0
    noise = np.fft.irfft2(spectrum, s=(size, size))
    return np.asarray(noise / noise.std(), np.float32)


# Regions of the photographs with leaves, as fractions x0, y0, x1, y1 of china.jpg.
_LEAVES: dict[Half, tuple[tuple[float, float, float, float], ...]] = {
    "left": ((0.0, 0.80, 0.44, 1.0), (0.0, 0.35, 0.1, 0.62)),
    "right": ((0.53, 0.68, 0.88, 1.0), (0.88, 0.36, 1.0, 0.97)),
}


class TexturePool:
    """Random material for one scene.

    Args:
        rng: source of all choices.
        half: which halves of the photographs may be read.
    """

    def __init__(self, rng: np.random.Generator, half: Half) -> None:
        self.rng = rng
        self.half = half
        self._banks = {
            slope: np.tile(spectral_noise(rng, 256, slope), (2, 2)) for slope in (0.4, 1.0, 1.6)
        }

    def _half_of(self, name: str) -> Float:
        picture = photograph(name)
        middle = picture.shape[1] // 2
        return picture[:, :middle] if self.half == "left" else picture[:, middle:]

    def noise(self, height: int, width: int, slope: float = 1.0, stretch: float = 1.0) -> Float:
        """A random cut of 1/f noise (slope 0.4, 1.0 or 1.6), deviation about 1.

        ``stretch`` > 1 magnifies the noise (coarser).
        """
        bank = self._banks[slope]
        rows = int(np.ceil(height / stretch)) + 1
        columns = int(np.ceil(width / stretch)) + 1
        top, left = (int(value) for value in self.rng.integers(0, 256, 2))
        if rows <= 256 and columns <= 256:
            # The banks are stored twice in each direction, so this never leaves them.
            cut = bank[top : top + rows, left : left + columns]
        else:
            index_y = (np.arange(rows) + top) % 256
            index_x = (np.arange(columns) + left) % 256
            cut = bank[np.ix_(index_y, index_x)]
        if self.rng.random() < 0.5:
            cut = cut[:, ::-1]
        if stretch != 1.0:
            size = (int(columns * stretch) + 1, int(rows * stretch) + 1)
            cut = np.asarray(cv2.resize(cut, size, interpolation=cv2.INTER_CUBIC), np.float32)
        return np.ascontiguousarray(cut[:height, :width], np.float32)

    def crop(self, height: int, width: int, magnify: float = 1.0) -> Float:
        """A random cut of a photograph, height x width x 3, 0..1, flipped and turned at random."""
        picture = self._half_of("china.jpg" if self.rng.random() < 0.6 else "flower.jpg")
        rows = min(picture.shape[0], max(8, int(height / magnify)))
        columns = min(picture.shape[1], max(8, int(width / magnify)))
        # Of three cuts the liveliest: much of the photographs is sky or out of focus.
        cuts = []
        for _ in range(3):
            top = int(self.rng.integers(0, picture.shape[0] - rows + 1))
            left = int(self.rng.integers(0, picture.shape[1] - columns + 1))
            cuts.append(picture[top : top + rows, left : left + columns])
        best = max(cuts, key=lambda cut: float(cut[::8, ::8, 1].std()))
        cut = best[:, ::-1] if self.rng.random() < 0.5 else best
        return np.asarray(
            cv2.resize(np.ascontiguousarray(cut), (width, height), interpolation=cv2.INTER_AREA),
            np.float32,
        )

    def detail(self, height: int, width: int) -> Float:
        """Fine luminance of a photograph: height x width, mean 0, deviation 1, within +-2.5."""
        grey = self.crop(height, width).mean(axis=2)
        # The broad shading is what a tiny copy still shows.
        tiny = (max(1, width // 24), max(1, height // 24))
        broad = cv2.resize(grey, tiny, interpolation=cv2.INTER_AREA)
        fine = grey - cv2.resize(broad, (width, height), interpolation=cv2.INTER_LINEAR)
        fine = fine / (fine.std() + 1e-3)
        return np.asarray(np.clip(fine, -2.5, 2.5), np.float32)

    def material(
        self,
        colour: Colour,
        height: int,
        width: int,
        photo: float = 0.10,
        noise: float = 0.06,
        slope: float = 1.0,
    ) -> Float:
        """A coloured surface: ``colour`` (0..1) modulated by photographic detail and 1/f noise."""
        modulation = np.float32(noise) * self.noise(height, width, slope)
        modulation += 1.0
        if photo > 0:
            modulation += np.float32(photo) * self.detail(height, width)
        tint = np.float32(0.02) * self.noise(height, width, 1.6)
        red, green, blue = colour
        result = np.dstack(
            [
                red * modulation * (1 + tint),
                green * modulation,
                blue * modulation * (1 - tint),
            ]
        )
        return np.asarray(np.clip(result, 0.0, 1.0, out=result), np.float32)

    def leaves(self, height: int, width: int, colour: Colour, photo: float = 0.6) -> Float:
        """Foliage cut from a photograph and recoloured; height x width x 3, 0..1."""
        picture = photograph("china.jpg")
        regions = _LEAVES[self.half]
        x0, y0, x1, y1 = regions[int(self.rng.integers(len(regions)))]
        full_y, full_x = picture.shape[:2]
        region = picture[int(y0 * full_y) : int(y1 * full_y), int(x0 * full_x) : int(x1 * full_x)]
        grey = np.ascontiguousarray(region.mean(axis=2))
        scale = max(height / grey.shape[0], width / grey.shape[1], 0.6)
        size = (int(grey.shape[1] * scale) + 2, int(grey.shape[0] * scale) + 2)
        grey = np.asarray(cv2.resize(grey, size))
        top = int(self.rng.integers(0, grey.shape[0] - height + 1))
        left = int(self.rng.integers(0, grey.shape[1] - width + 1))
        cut = grey[top : top + height, left : left + width]
        if self.rng.random() < 0.5:
            cut = cut[:, ::-1]
        shade = (cut - cut.mean()) / (cut.std() + 1e-3)
        light = 1.0 + photo * np.clip(shade, -1.4, 2.2) * 0.7
        return np.asarray(np.clip(np.asarray(colour) * light[..., None], 0.0, 1.0), np.float32)


def tileable(texture: Float, along_x: bool = True, along_y: bool = True) -> Float:
    """Fade a texture's end into its beginning, so that repeats show no seam."""
    result = texture
    for axis, wanted in ((0, along_y), (1, along_x)):
        if not wanted:
            continue
        length = result.shape[axis]
        overlap = max(1, length // 6)
        ramp = np.linspace(0.0, 1.0, overlap, dtype=np.float32)
        shape = [1] * result.ndim
        shape[axis] = overlap
        ramp = ramp.reshape(shape)
        head = np.take(result, range(overlap), axis)
        tail = np.take(result, range(length - overlap, length), axis)
        body = np.take(result, range(overlap, length - overlap), axis)
        result = np.concatenate([tail * (1 - ramp) + head * ramp, body], axis)
    return np.ascontiguousarray(result, np.float32)


def to_bytes(texture: npt.NDArray[np.floating]) -> Bytes:
    """0..1 floats -> uint8."""
    return np.asarray(np.clip(texture * 255.0 + 0.5, 0, 255), np.uint8)


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """``share`` = 0 gives ``first``, 1 gives ``second``."""
    a, b, c = ((1 - share) * x + share * y for x, y in zip(first, second, strict=True))
    return a, b, c


def pick(rng: np.random.Generator, colours: tuple[Colour, ...], spread: float = 0.05) -> Colour:
    """One of ``colours`` with a random brightness and a random deviation of +-``spread``."""
    chosen = np.asarray(colours[int(rng.integers(len(colours)))])
    varied = chosen * rng.uniform(0.8, 1.2) + rng.uniform(-spread, spread, 3)
    a, b, c = np.clip(varied, 0.02, 0.98)
    return float(a), float(b), float(c)
