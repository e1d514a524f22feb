"""Compressing a video: segment after segment, each chosen, coded and written on its own.

A segment is read once. Its frames wait in a raw file on disk until the sampler has seen all of
them; the kept ones are coded in another thread while the next segment is read. Memory does not grow
with the length of the video or of a segment.
"""

from __future__ import annotations

import itertools
import shutil
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from vcmflow.core.encoding import Shape
from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import sha256, whole_file
from vcmflow.core.machine import processors
from vcmflow.core.needs import rows_of
from vcmflow.core.options import parse_instance
from vcmflow.core.video import Frame
from vcmflow.encode.codec import Codec, Video
from vcmflow.encode.period import intra_period
from vcmflow.encode.point import encode_point
from vcmflow.encode.registry import CODECS
from vcmflow.sample.decide import choose_frames
from vcmflow.sample.registry import SAMPLERS
from vcmflow.select.look import Look, check_sampler, load_look
from vcmflow.tool.container import MOST_KEPT, MOST_SIDE, Header, Segment, Writer
from vcmflow.tool.method import Method, count_of_share, load_codec, parse_keep
from vcmflow.tool.source import Source, Timed

# The kept frames are not equally far apart; times are the container's business, not the codec's.
CODED_FPS = 25.0
SECONDS = 10.0  # of a segment, at most
_WAITING = 2 << 30  # bytes of a segment's frames on disk, at most

Progress = Callable[[int, float], None]  # frames read, seconds of video


@dataclass(frozen=True)
class Summary:
    """What a compression did.

    Attributes:
        frames: n.
        kept: m.
        segments: of the container.
        bytes: of the container.
        stream_bytes: role -> bytes of its streams.
        gap_bytes: one per gap, as the experiments count them.
        video_seconds: length of the video.
        seconds: that it took.
    """

    frames: int
    kept: int
    segments: int
    bytes: int
    stream_bytes: Mapping[str, int]
    gap_bytes: int
    video_seconds: float
    seconds: float

    @property
    def kbps(self) -> float:
        """Rate of the whole file in kbit/s."""
        return 8 * self.bytes / self.video_seconds / 1000

    @property
    def overhead(self) -> int:
        """Bytes of the file that are no stream's: header, gaps, times, lengths, checksums."""
        return self.bytes - sum(self.stream_bytes.values())


class Spool:
    """Frames of one size in a raw file, written one after the other and read in any order."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.times: list[int] = []
        self.end = 0
        self.shape: tuple[int, ...] = ()

    def record(self, frames: Iterator[Timed]) -> Iterator[Frame]:
        """Write down frames as they pass by.

        Raises:
            VcmflowError: a frame of another type, or of another size than the first one.
        """
        with self.path.open("wb") as file:
            for frame, moment, duration in frames:
                if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3:
                    raise VcmflowError(
                        f"a frame is {frame.dtype} {frame.shape}, not uint8 H x W x 3"
                    )
                self.shape = self.shape or frame.shape
                if frame.shape != self.shape:
                    raise VcmflowError(
                        f"a frame is {frame.shape[1]}x{frame.shape[0]}, the ones before are "
                        f"{self.shape[1]}x{self.shape[0]}; split the video where its size changes"
                    )
                file.write(np.ascontiguousarray(frame).data)
                self.times.append(moment)
                self.end = moment + duration
                yield frame

    def keep(self, kept: Sequence[int]) -> None:
        """Forget all frames but some."""
        if len(kept) < len(self.times):
            rest = self.path.with_suffix(".kept")
            with rest.open("wb") as file:
                for frame in self.read(kept):
                    file.write(frame.data)
            rest.replace(self.path)

    def read(self, wanted: Iterable[int]) -> Iterator[Frame]:
        """Yield some of the frames."""
        size = int(np.prod(self.shape))
        with self.path.open("rb") as file:
            for number in wanted:
                file.seek(number * size)
                yield np.frombuffer(file.read(size), np.uint8).reshape(self.shape)


def compress(
    source: Source,
    target: Path,
    *,
    keep: str = "1",
    point: float = 37,
    method: Method | None = None,
    seconds: float = SECONDS,
    device: str = "auto",
    workers: int | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Summary:
    """Compress a video into a container.

    Args:
        source: the video.
        target: the container to write, whole or not at all.
        keep: the share of frames to keep, such as "1/3".
        point: operating point of the codec (QP, CRF, ...).
        method: what chooses and codes; None: uniform sampling, VVenC.
        seconds: the length of a segment at most. Segments end with an intra period.
        device: "auto", "cpu" or "cuda", for learned codecs.
        workers: segments coded at a time; do not change the result.
        threads: of each of them; do not change the result.
        progress: is told how far it is.

    Raises:
        VcmflowError: the video cannot be read or has no frames, or the method refuses it.
    """
    begun = time.perf_counter()
    method = method or Method()
    share = parse_keep(keep)
    if not seconds > 0:
        raise VcmflowError(f"segments of {seconds:g} s; allowed: above 0")
    workers, threads = share_processors(method, workers, threads)
    name, options, codec = load_codec(method, point, device, threads)
    sampler, sampler_options, sampler_needs = check_sampler(method.sampler)
    reconstructor, reconstructor_options = parse_instance(method.reconstructor, "reconstructor")
    needs = (*sampler_needs, *CODECS[name].needs)
    look = load_look(needs, method.looking, f"sampler {sampler!r} with codec {name!r}")
    first = next(source.frames, None)
    if first is None:
        raise VcmflowError(f"{source.name}: has no frames")
    height, width = first.frame.shape[:2]
    if max(height, width) > MOST_SIDE:
        raise VcmflowError(f"{source.name}: {width}x{height}; allowed: {MOST_SIDE} at most")
    header = Header(
        codec={"codec": name, **options},
        point=float(point),
        roles=tuple(CODECS[name].streams),
        width=width,
        height=height,
        time_base=source.time_base,
        fps=source.fps,
        sampler={"sampler": sampler, **sampler_options},
        keep=str(share),
        reconstructor={"reconstructor": reconstructor, **reconstructor_options},
        rotation=source.rotation,
        aspect=source.aspect,
        colour=source.colour,
        weights=sha256(method.codec_weights) if method.codec_weights else None,
    )
    kept_share = Fraction(1) if SAMPLERS[sampler].keeps_all else share
    length = segment_length(
        seconds * source.fps, kept_share, intra_period(name, options) or 1, first.frame.nbytes
    )
    choose = _Choose(sampler, sampler_options, share, look)
    frames = itertools.chain([first], source.frames)
    coder = _Coder(name, codec, point)
    counted, total, streams = 0, Fraction(0), dict.fromkeys(header.roles, 0)
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vcmflow-")))
        temporary = stack.enter_context(whole_file(target))
        file = stack.enter_context(temporary.open("wb"))
        pool = stack.enter_context(ThreadPoolExecutor(workers))
        writer = Writer(file, header)
        pending: deque[Future[Segment]] = deque()
        kept = 0

        def write() -> None:
            nonlocal kept
            segment = pending.popleft().result()
            writer.add(segment)
            kept += segment.kept
            for role, data in segment.streams.items():
                streams[role] += len(data)

        try:
            for number in itertools.count():
                folder = scratch / str(number)
                folder.mkdir()
                spool = Spool(folder / "frames.rgb")
                part = itertools.islice(frames, length)
                told = _told(spool.record(part), counted, source, progress)
                positions, segment_needs = choose(told, number)
                if not positions:
                    break
                spool.keep(positions)
                counted += len(spool.times)
                total += (spool.end - spool.times[0]) * source.time_base
                pending.append(pool.submit(coder, spool, positions, segment_needs, folder))
                if len(pending) > workers:
                    write()
            while pending:
                write()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
        writer.close()
        size = file.seek(0, 2)
        segments = writer.segments
    return Summary(
        *(counted, kept, segments, size, streams, kept - segments),
        *(float(total), time.perf_counter() - begun),
    )


def segment_length(frames: float, keep: Fraction, period: int, frame_bytes: int) -> int:
    """Frames of a segment, so that the kept ones are whole intra periods where one fits in.

    Args:
        frames: at most as many.
        keep: the share of kept ones.
        period: kept frames of an intra period.
        frame_bytes: of one frame.
    """
    limit = min(frames, _WAITING / frame_bytes, float(MOST_KEPT / keep))
    periods = int(limit * keep / period)
    return max(2, round(periods * period / keep) if periods else int(limit))


def share_processors(method: Method, workers: int | None, threads: int | None) -> tuple[int, int]:
    """How many segments are coded at a time, and with how many threads each.

    Two at a time, with four threads each, so that VVenC stays below 1.5 GiB at 720p (it takes 0.55
    to 0.65 for each); who has more processors and memory says so. A codec that takes a GPU has it
    alone.
    """
    name, _ = parse_instance(method.codec, "codec")
    alone = name in CODECS and CODECS[name].gpu
    there = processors()
    workers = workers or (1 if alone else min(2, there))
    threads = threads or max(1, min(4, there // workers))
    if workers < 1 or threads < 1:
        raise VcmflowError(f"{workers} workers with {threads} threads; allowed: 1 or more")
    return workers, threads


@dataclass(frozen=True)
class _Choose:
    sampler: str
    options: Mapping[str, Any]
    share: Fraction
    look: Look

    def __call__(self, frames: Iterator[Frame], number: int) -> tuple[list[int], dict[str, Any]]:
        """The kept frames of a segment and its needs; none at the end of the video."""
        first = next(frames, None)
        if first is None:
            return [], {}
        n, needs = self.look(itertools.chain([first], frames))
        own = {name: needs[name] for name in SAMPLERS[self.sampler].needs}
        m = count_of_share(n, self.share)
        return choose_frames(self.sampler, n, m, own, self.options, str(number)), needs


@dataclass(frozen=True)
class _Coder:
    name: str
    codec: Codec
    point: float

    def __call__(
        self, spool: Spool, kept: Sequence[int], needs: Mapping[str, Any], folder: Path
    ) -> Segment:
        """Code the kept frames of a segment, and forget all of them."""
        shape = Shape(spool.shape[1], spool.shape[0], len(kept), CODED_FPS)
        wanted = {name: needs[name] for name in CODECS[self.name].needs}
        own = rows_of(wanted, kept, len(spool.times), f"codec {self.name!r}")
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            video = Video(shape, lambda: spool.read(range(len(kept))), Path(scratch))
            coded, _ = encode_point(self.name, self.codec, video, own, self.point, folder)
        streams = {part.role: (folder / part.file).read_bytes() for part in coded.streams}
        shutil.rmtree(folder)
        gaps = tuple(int(gap) - 1 for gap in np.diff(kept))
        return Segment(gaps, tuple(spool.times), spool.end, streams)


def _told(
    frames: Iterator[Frame], before: int, source: Source, progress: Progress | None
) -> Iterator[Frame]:
    for number, frame in enumerate(frames, start=before + 1):
        if progress is not None:
            progress(number, number / source.fps)
        yield frame
