"""Pictures and masks as arrays: uint8 RGB, whatever the file stores."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from vcmflow.core.arrays import Frame
from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import intact

# Pillow knows more, such as EPS, for which it calls Ghostscript.
FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "PPM")


def read_picture(path: Path) -> Frame:
    """Read a picture as uint8 H x W x 3, RGB, turned upright as its EXIF tag says.

    Grey is repeated over the channels, 16 bits are scaled to 8 (v / 257, rounded, for grey; the
    upper byte for colour), transparency is laid over black.

    Raises:
        VcmflowError: the file is missing, broken off, no picture, or too large.
    """
    with _opened(path) as image:
        upright = ImageOps.exif_transpose(image)
        if upright.mode.startswith("I;16") or upright.mode == "I":
            deep = np.asarray(upright).astype(np.int64)
            if deep.min() < 0 or deep.max() > 0xFFFF:
                raise VcmflowError(f"{path}: values beyond 16 bits; save it with 8 or 16 bits")
            grey = ((deep + 128) // 257).astype(np.uint8)
            return np.repeat(grey[:, :, None], 3, axis=2)
        if upright.mode == "F":
            raise VcmflowError(f"{path}: a floating-point picture; save it with 8 or 16 bits")
        if upright.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in upright.info:
            colour = upright.convert("RGBA")
            black = Image.new("RGBA", colour.size, (0, 0, 0, 255))
            upright = Image.alpha_composite(black, colour)
        return np.ascontiguousarray(upright.convert("RGB"), dtype=np.uint8)


def read_labels(path: Path) -> tuple[npt.NDArray[np.uint8], bool]:
    """Read a mask as uint8 H x W, and whether it is indexed (has a palette).

    Raises:
        VcmflowError: the file is missing, broken off, or a colour picture.
    """
    with _opened(path) as image:
        if image.mode == "1":
            return np.asarray(image).astype(np.uint8) * np.uint8(255), False
        if image.mode not in ("P", "L"):
            raise VcmflowError(
                f"{path}: a mask has to be an indexed or an 8-bit grey picture, not {image.mode}"
            )
        return np.array(image, dtype=np.uint8), image.mode == "P"


class _opened:
    """Open a picture with Pillow, which refuses files that break off, and load it whole."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> Image.Image:
        try:
            self.image = Image.open(intact(self.path), formats=FORMATS)
            self.image.load()
        except FileNotFoundError:
            raise VcmflowError(f"{self.path}: no such picture") from None
        except Image.DecompressionBombError as error:
            raise VcmflowError(f"{self.path}: too large a picture ({error})") from None
        except (OSError, SyntaxError, ValueError) as error:
            raise VcmflowError(f"{self.path}: not a readable picture ({error})") from None
        return self.image

    def __exit__(self, *_: object) -> None:
        self.image.close()
