"""Runs of frames from any folder of videos, or of folders of pictures (YouTube-VIS, DAVIS)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from vcmflow.core.errors import VcmflowError
from vcmflow.core.listing import PICTURE_SUFFIXES, list_pictures, walk
from vcmflow.core.resize import fit_short_side, resize
from vcmflow.core.video import Frame, decode_packets, open_video, to_frame
from vcmflow.train.embedding.videos import find_videos

Clip = npt.NDArray[np.uint8]  # frames x H x W x 3, RGB


def find_clips(source: Path) -> list[Path]:
    """Video files, and folders with two pictures or more, of a folder of any depth or a list.

    Returns:
        Paths in an order that does not depend on the machine.

    Raises:
        VcmflowError: there are none.
    """
    folders = []
    if source.is_dir():
        for folder, names in walk(source):
            if sum(Path(name).suffix.lower() in PICTURE_SUFFIXES for name in names) > 1:
                folders.append(folder)
    try:
        return [*find_videos(source), *sorted(folders)]
    except VcmflowError:
        if not folders:
            raise
        return sorted(folders)


class Clips:
    """Reads runs of adjacent frames at random places.

    Args:
        paths: as ``find_clips`` gives them.
        short_side: px; frames are resized to it.
        budget: bytes of frames to keep in memory; does not change what a read returns.
    """

    def __init__(self, paths: Sequence[Path], short_side: int, budget: int) -> None:
        self.paths = tuple(paths)
        self._short_side = short_side
        self._budget = budget
        self._kept: dict[tuple[int, int], Clip] = {}

    def run(self, number: int, place: float, count: int) -> Clip:
        """``count`` adjacent frames of a clip.

        Args:
            number: which clip, 0-based.
            place: where, from 0 (start) to 1 (end).
            count: at least 1.

        Raises:
            VcmflowError: it cannot be decoded there, changes its size, or is too short.
        """
        path = self.paths[number]
        total = len(list_pictures(path)) if path.is_dir() else count_frames(path)
        if total < count:
            raise VcmflowError(f"{path}: has {total} frames, {count} are needed")
        first = min(int(place * (total - count + 1)), total - count)
        # Blocks of frames are what is kept, so that long videos need not be held whole.
        frames = [self._frame(path, number, first + i, total) for i in range(count)]
        if any(frame.shape != frames[0].shape for frame in frames):
            raise VcmflowError(f"{path}: the size of its frames changes")
        return np.stack(frames)

    def _frame(self, path: Path, number: int, index: int, total: int) -> Frame:
        block, offset = divmod(index, _BLOCK)
        key = number, block
        if key not in self._kept:
            start = block * _BLOCK
            frames = self._read(path, range(start, min(start + _BLOCK, total)))
            self._budget -= frames.nbytes
            while self._kept and self._budget < 0:
                self._budget += self._kept.pop(next(iter(self._kept))).nbytes
            self._kept[key] = frames
        kept = self._kept[key]
        if offset >= len(kept):
            raise VcmflowError(f"{path}: breaks off before frame {index}")
        frame: Frame = kept[offset]
        return frame

    def _read(self, path: Path, wanted: range) -> Clip:
        if path.is_dir():
            frames = [_picture(one) for one in list_pictures(path)[wanted.start : wanted.stop]]
        else:
            frames = _decode(path, wanted)
        if not frames:
            raise VcmflowError(f"{path}: breaks off before frame {wanted.start}")
        size = fit_short_side(frames[0].shape[0], frames[0].shape[1], self._short_side)
        return np.stack([resize(frame, *size) for frame in frames])


_BLOCK = 32  # frames


def count_frames(video: Path) -> int:
    """Frames of a video by its header's account.

    Raises:
        VcmflowError: it cannot be opened.
    """
    with open_video(video) as container:
        stream = container.streams.video[0]
        if stream.frames:
            return int(stream.frames)
        length = float((stream.duration or 0) * (stream.time_base or 0))
        return int(length * float(stream.average_rate or 25))


def _decode(video: Path, wanted: range) -> list[Frame]:
    """Frames by number, or fewer where the video ends before; found by seeking."""
    frames: list[Frame] = []
    with open_video(video) as container:
        stream = container.streams.video[0]
        step = 1 / (float(stream.average_rate or 25) * float(stream.time_base or 1))
        begin = stream.start_time or 0
        first = begin + round((wanted.start - 0.5) * step)
        if wanted.start:
            container.seek(max(begin, first), stream=stream, backward=True)
        for picture in decode_packets(container):
            if picture.pts is not None and picture.pts < first:
                continue
            frames.append(to_frame(picture))
            if len(frames) == len(wanted):
                break
    return frames


def _picture(path: Path) -> Frame:
    found = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if found is None:
        raise VcmflowError(f"{path}: cannot be decoded as a picture")
    return np.ascontiguousarray(found[..., ::-1], np.uint8)
