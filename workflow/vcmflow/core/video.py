"""Frames in and out: the one reader of video files and picture folders, and the writer of ours.

Between stages, pictures travel as FFV1 in Matroska (``.mkv``, RGB, 8 bit): lossless, every frame on
its own, and readable by any player. In memory a frame is ``uint8`` H x W x 3 in RGB order.
"""

from __future__ import annotations

import errno
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np

from vcmflow.core.arrays import Frame as Frame
from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import intact, whole_file

# Untagged video of at least this height is BT.709, as players take it; below it is BT.601.
_HD_HEIGHT = 720
# What a video may be stored in. ffmpeg knows more: lists of other files, devices, addresses.
KINDS = (
    "mov,mp4,matroska,webm,avi,mpeg,mpegts,mpegvideo,mxf,asf,flv,ogg,ivf,m4v,yuv4mpegpipe,h264,"
    "hevc,vvc,obu,av1,dv,gif"
)
_OPEN = {"format_whitelist": KINDS, "protocol_whitelist": "file"}
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def write_video(path: Path, frames: Iterable[Frame], fps: float) -> int:
    """Write frames losslessly (FFV1, RGB) and return how many there were.

    Args:
        path: the ``.mkv`` to write, whole or not at all.
        frames: uint8 H x W x 3, RGB, all of one size.
        fps: frames per second, > 0.

    Raises:
        VcmflowError: there are no frames, or a frame's size or type differs from the first one's.
    """
    count = 0
    try:
        with (
            whole_file(path) as temporary,
            av.open(str(temporary), "w", format="matroska") as container,
        ):
            # A random segment id would make two equal runs differ.
            container.flags |= cast(int, av.container.Flags.bitexact.value)
            stream = None
            for frame in frames:
                if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3:
                    raise VcmflowError(
                        f"{path}: frame {count} is {frame.dtype} {frame.shape}, not uint8 H x W x 3"
                    )
                if stream is None:
                    stream = _add_stream(container, frame, fps)
                elif frame.shape[:2] != (stream.height, stream.width):
                    raise VcmflowError(
                        f"{path}: frame {count} is {frame.shape[1]}x{frame.shape[0]}, the first "
                        f"one is {stream.width}x{stream.height}"
                    )
                picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
                container.mux(stream.encode(picture))
                count += 1
            if stream is None:
                raise VcmflowError(f"{path}: no frames to write")
            container.mux(stream.encode(None))
    except av.error.FFmpegError as error:
        raise VcmflowError(f"{path}: frames cannot be written ({error})") from None
    return count


def _add_stream(
    container: av.container.OutputContainer, frame: Frame, fps: float
) -> av.VideoStream:
    stream = container.add_stream("ffv1", rate=Fraction(fps).limit_denominator(100_000))
    stream.height, stream.width = frame.shape[:2]
    stream.pix_fmt = "bgr0"
    stream.codec_context.gop_size = 1
    stream.codec_context.thread_count = 1
    stream.codec_context.flags |= av.codec.context.Flags.bitexact.value
    return stream


def open_source(path: Path) -> Iterator[Frame]:
    """Yield the frames of a video file, or of a folder's pictures in the natural order of names.

    Files of a folder that are no pictures by their suffix are passed over; see
    `vcmflow.core.pictures.read_picture` for grey, deep and transparent ones.

    Returns:
        uint8 H x W x 3, RGB, all of one size.

    Raises:
        VcmflowError: nothing there, something that cannot be decoded, a file that breaks off before
            its end, or a change of size.
    """
    path = Path(path)
    if path.is_dir():
        from vcmflow.core.listing import list_pictures
        from vcmflow.core.pictures import read_picture

        frames: Iterable[Frame] = map(read_picture, list_pictures(path))
    else:
        frames = read_video(path)
    size: tuple[int, ...] | None = None
    for number, frame in enumerate(frames):
        size = size or frame.shape
        if frame.shape != size:
            raise VcmflowError(
                f"{path}: frame {number} is {frame.shape[1]}x{frame.shape[0]}, the ones before are "
                f"{size[1]}x{size[0]}; split the video where its size changes"
            )
        yield frame


def frame_rate(path: Path) -> float | None:
    """A video file's average frames per second; None where it says none, and for pictures.

    Raises:
        VcmflowError: the file is missing or no video.
    """
    if Path(path).is_dir():
        return None
    with open_video(path) as container:
        rate = container.streams.video[0].average_rate
    return float(rate) if rate else None


def read_video(path: Path) -> Iterator[Frame]:
    """Yield the frames of any video file as uint8 H x W x 3, RGB, upright, in display order.

    Raises:
        VcmflowError: the file is missing, holds no video, is damaged, or breaks off.
    """
    yield from map(to_frame, read_pictures(path))


def read_pictures(path: Path) -> Iterator[av.VideoFrame]:
    """Yield the pictures of any video file in display order, as they were decoded.

    Beside the samples they have ``pts`` and ``duration`` in units of ``time_base`` (`to_frame`
    makes RGB of them).

    Raises:
        VcmflowError: as `read_video`.
    """
    for picture in _decode(path, None):
        if picture is not None:
            yield picture


def read_frames(path: Path, wanted: Sequence[int], total: int) -> Iterator[Frame]:
    """Yield some frames of a video; where every frame stands on its own, decode no others.

    Args:
        path: any video file.
        wanted: 0-based numbers of the frames in display order, strictly ascending.
        total: how many frames the video has to have.

    Raises:
        VcmflowError: as `read_video`, or it has not ``total`` frames.
    """
    count = 0
    for picture in _decode(path, frozenset(wanted)):
        if picture is not None:
            yield to_frame(picture)
        count += 1
    if count != total:
        raise VcmflowError(f"{path}: has {count} frames, not {total}")


@contextmanager
def open_video(path: Path) -> Iterator[av.container.InputContainer]:
    """Open a file that holds a video stream; what goes wrong in the block is one line.

    Raises:
        VcmflowError: the file is missing, holds no video, or cannot be decoded.
    """
    try:
        # Titles and the like may be in any encoding; nothing here reads them.
        with av.open(
            str(intact(path)), container_options=_OPEN, metadata_errors="replace"
        ) as container:
            if not container.streams.video:
                raise VcmflowError(f"{path}: no video stream in this file")
            yield container
    except FileNotFoundError:
        raise VcmflowError(f"{path}: no such file") from None
    except (av.error.FFmpegError, OSError) as error:
        refused = error.errno == errno.EINVAL
        reason = f"no kind of video file that is read: {KINDS}" if refused else error.strerror
        raise VcmflowError(f"{path}: cannot be decoded ({reason})") from None


def decode_packets(container: av.container.InputContainer) -> Iterator[av.VideoFrame]:
    """Yield a video's pictures from where the container stands.

    Raises:
        VcmflowError: the stream is damaged or cut off there.
    """
    for number, packet in enumerate(container.demux(container.streams.video[0])):
        yield from _pictures(container, packet, number)


def _pictures(
    container: av.container.InputContainer, packet: av.Packet[av.VideoStream], number: int
) -> Iterator[av.VideoFrame]:
    damaged = packet.is_corrupt
    if not damaged:
        for picture in packet.decode():
            damaged = damaged or picture.is_corrupt
            if not damaged:
                yield picture
    if damaged:
        raise VcmflowError(f"{container.name}: breaks off or is damaged after {number} frames")


def to_frame(picture: av.VideoFrame) -> Frame:
    """A decoded picture as uint8 H x W x 3, RGB, upright."""
    untagged = picture.colorspace == 2
    yuv = picture.format.name.startswith(("yuv", "nv", "p0"))
    space = "ITU709" if yuv and untagged and picture.height >= _HD_HEIGHT else None
    rgb = np.asarray(picture.reformat(format="rgb24", src_colorspace=space).to_ndarray(), np.uint8)
    turns = round(picture.rotation / 90) % 4
    frame: Frame = np.ascontiguousarray(np.rot90(rgb, turns)) if turns else rgb
    return frame


def _decode(path: Path, wanted: frozenset[int] | None) -> Iterator[av.VideoFrame | None]:
    """Yield one item per frame of the video: the decoded frame, or None where it is not wanted."""
    with open_video(path) as container:
        stream = container.streams.video[0]
        # Frame threads hand pictures out late; where packets are skipped, none may be.
        stream.thread_type = "AUTO" if wanted is None else "SLICE"
        ours = stream.codec_context.name == "ffv1"
        frame_time = 1 / stream.average_rate if stream.average_rate else Fraction(0)
        number, end = 0, Fraction(0)
        sound: set[bool] = set()

        def until(shown: av.Packet[av.VideoStream] | av.VideoFrame) -> Fraction:
            # When it stops being shown, so that uneven frame rates pass.
            if shown.pts is None or not shown.time_base:
                return end
            length = (shown.duration or 0) * shown.time_base or frame_time
            return max(end, shown.pts * shown.time_base + length)

        for packet in container.demux(stream):
            if ours and packet.size:
                sound.add(_crc_holds(packet))
                if len(sound) > 1:
                    raise VcmflowError(f"{path}: damaged: the checksum of frame {number} is wrong")
            skipped = wanted is not None and ours and number not in wanted
            if skipped and packet.size and packet.is_keyframe:
                # FFV1 has no reordering and one frame per packet.
                end = until(packet)
                number += 1
                yield None
                continue
            for picture in _pictures(container, packet, number):
                end = until(picture)
                yield picture if wanted is None or number in wanted else None
                number += 1
        _check_complete(path, container, number, end)


def _crc_holds(packet: av.Packet[av.VideoStream]) -> bool:
    """Whether the slices of an FFV1 frame end with their right CRC (RFC 9043, 4.9.3).

    libav conceals such damage and says so only in its log. The CRC's remainder over a slice that
    has one is 0, so over all of them. zlib's CRC has the same polynomial with the bits of each byte
    reversed. Files that were written without CRCs fail in every frame.
    """
    return zlib.crc32(bytes(packet).translate(_REVERSED), 0xFFFFFFFF) == 0xFFFFFFFF


def _check_complete(
    path: Path, container: av.container.InputContainer, count: int, end: Fraction
) -> None:
    """Compare what was decoded with what the header says: a cut file often ends without an error.

    ``end`` is when the last frame stops being shown.
    """
    if count == 0:
        raise VcmflowError(f"{path}: holds no frames that can be decoded")
    stream = container.streams.video[0]
    announced = stream.frames  # 0 where the format does not say
    if announced and count >= announced:
        return
    missing = 0
    length = _stated_length(container, stream)
    if length is not None and stream.average_rate:
        started = (stream.start_time or 0) * (stream.time_base or 0)
        missing = round((length - (end - started)) * stream.average_rate)
    if announced and "avi" in container.format.name:
        missing = announced - count
    # In files that are not ours, one frame is within the rounding of time stamps.
    if missing >= (1 if stream.codec_context.name == "ffv1" else 2):
        raise VcmflowError(
            f"{path}: breaks off after {count} frames; about {missing} more are announced"
        )


def _stated_length(
    container: av.container.InputContainer, stream: av.VideoStream
) -> Fraction | None:
    """How long the video is by its header, in seconds."""
    if stream.duration and stream.time_base:
        return Fraction(stream.duration * stream.time_base)
    hours, _, rest = stream.metadata.get("DURATION", "").partition(":")
    minutes, _, seconds = rest.partition(":")
    try:
        return Fraction(hours) * 3600 + Fraction(minutes) * 60 + Fraction(seconds)
    except ValueError:
        pass
    # The whole file's length is the video's only where there is nothing else in it.
    if "matroska" in container.format.name and len(container.streams) == 1 and container.duration:
        return Fraction(container.duration, av.time_base)
    return None
