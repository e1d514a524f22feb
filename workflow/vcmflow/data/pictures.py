"""Pictures, masks and videos as arrays: uint8 RGB, whatever the file stores."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from vcmflow.core.errors import VcmflowError
from vcmflow.core.video import Frame

# Untagged video of at least this height is BT.709, as players take it; below it is BT.601.
_HD_HEIGHT = 720


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
            self.image = Image.open(self.path)
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


def video_rate(path: Path) -> float | None:
    """The average frame rate of a video file in frames per second, None where it says none.

    Raises:
        VcmflowError: the file is missing or no video.
    """
    with _container(path) as container:
        rate = container.streams.video[0].average_rate
    return float(rate) if rate else None


def decode_video(path: Path) -> Iterator[Frame]:
    """Yield a video's frames as uint8 H x W x 3, RGB, upright, and notice when it breaks off.

    Raises:
        VcmflowError: the file is missing, no video, damaged, or shorter than it says it is.
    """
    with _container(path) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        frame_time = 1 / stream.average_rate if stream.average_rate else Fraction(0)
        count, end = 0, Fraction(0)
        try:
            for picture in container.decode(stream):
                if picture.is_corrupt:
                    raise VcmflowError(f"{path}: damaged or cut off at frame {count}")
                yield _upright(picture)
                count += 1
                if picture.pts is not None and picture.time_base:
                    shown = picture.duration * picture.time_base or frame_time
                    end = max(end, picture.pts * picture.time_base + shown)
        except av.error.FFmpegError as error:
            raise VcmflowError(
                f"{path}: cannot be decoded from frame {count} on ({error.strerror})"
            ) from None
        _check_complete(path, container, stream, count, end)


def _upright(picture: Any) -> Frame:
    tagged = picture.colorspace != 2  # 2: unspecified
    hd = picture.height >= _HD_HEIGHT
    yuv = picture.format.name.startswith(("yuv", "nv", "p0"))
    space = "ITU709" if yuv and not tagged and hd else None
    rgb = picture.reformat(format="rgb24", src_colorspace=space).to_ndarray()
    turns = round(picture.rotation / 90) % 4
    frame: Frame = np.ascontiguousarray(np.rot90(rgb, turns)) if turns else rgb
    return frame


def _check_complete(path: Path, container: Any, stream: Any, count: int, end: Fraction) -> None:
    """Compare what was decoded with what the header says: a cut file often ends without an error.

    ``end`` is when the last frame stops being shown, so that uneven frame rates pass.
    """
    if count == 0:
        raise VcmflowError(f"{path}: no frame can be decoded; the file is cut off or empty")
    announced = stream.frames  # 0 where the format does not say
    if announced and count >= announced:
        return
    missing = 0
    length = _stated_length(container, stream)
    if length is not None and stream.average_rate:
        started = (stream.start_time or 0) * stream.time_base
        missing = round((length - (end - started)) * stream.average_rate)
    if announced and "avi" in container.format.name:
        missing = announced - count
    if missing >= 2:  # one frame is within the rounding of time stamps
        raise VcmflowError(
            f"{path}: cut off after {count} frames; about {missing} more are announced"
        )


def _stated_length(container: Any, stream: Any) -> Fraction | None:
    if stream.duration:
        return Fraction(stream.duration * stream.time_base)
    tag = stream.metadata.get("DURATION")
    try:
        hours, minutes, seconds = tag.split(":")
        return Fraction(hours) * 3600 + Fraction(minutes) * 60 + Fraction(seconds)
    except (AttributeError, ValueError):
        pass
    # The whole file's length is the video's only where there is nothing else in it.
    if "matroska" in container.format.name and len(container.streams) == 1 and container.duration:
        return Fraction(container.duration, av.time_base)
    return None


def _container(path: Path) -> Any:
    try:
        container = av.open(str(path))
    except FileNotFoundError:
        raise VcmflowError(f"{path}: no such video") from None
    except (av.error.FFmpegError, OSError) as error:
        raise VcmflowError(f"{path}: not a readable video ({error.strerror})") from None
    if not container.streams.video:
        container.close()
        raise VcmflowError(f"{path}: no video stream in this file")
    return container
