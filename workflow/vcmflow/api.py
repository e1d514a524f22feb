"""The tool as Python functions, over paths or iterators of frames.

>>> import numpy as np
>>> from pathlib import Path
>>> from tempfile import TemporaryDirectory
>>> from vcmflow import api
>>> frames = [np.full((48, 64, 3), 5 * k, np.uint8) for k in range(10)]
>>> api.sample(frames, keep="0.4")
[0, 3, 6, 9]
>>> folder = TemporaryDirectory()
>>> out = Path(folder.name, "out.vcm")
>>> method = api.Method(codec="{codec: x264, preset: ultrafast}")
>>> summary = api.compress(frames, out, keep="0.4", point=30, method=method, fps=25)
>>> summary.kept, summary.frames
(4, 10)
>>> restored = [timed.frame for timed in api.restore(out)]
>>> evaluation = api.evaluate(frames, restored)
>>> evaluation.frames, evaluation.psnr > 35
(10, True)
>>> folder.cleanup()
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from vcmflow.core.video import Frame, open_source
from vcmflow.sample.decide import choose_frames
from vcmflow.select.look import Looking, check_sampler, load_look
from vcmflow.tool.compress import SECONDS, Progress, Summary
from vcmflow.tool.compress import compress as _compress
from vcmflow.tool.container import Header, open_container
from vcmflow.tool.evaluate import Evaluation, evaluate
from vcmflow.tool.method import Method, count_of_share, named_method, parse_keep
from vcmflow.tool.restore import Receiver
from vcmflow.tool.source import Source, Timed, of_frames, open_timed

__all__ = [
    "Evaluation",
    "Header",
    "Looking",
    "Method",
    "Source",
    "Summary",
    "Timed",
    "compress",
    "evaluate",
    "named_method",
    "restore",
    "sample",
]

Video = Source | Path | str | Iterable[Frame]


def sample(
    video: Path | str | Iterable[Frame],
    keep: str = "1/3",
    sampler: str = "uniform",
    looking: Looking | None = None,
) -> list[int]:
    """Choose the frames to keep of a whole video.

    Args:
        video: a file, a folder of pictures, or frames (uint8 H x W x 3, RGB, all of one size).
        keep: the share of them, such as "1/3".
        sampler: an instance as on the command line: a name, or a YAML mapping with options.
        looking: with what needs are computed; None: the embedding of grey pixels.

    Returns:
        0-based numbers, ascending, the first and the last frame among them.

    Raises:
        VcmflowError: the video cannot be read, or the sampler refuses it.
    """
    share = parse_keep(keep)
    name, options, needs = check_sampler(sampler)
    look = load_look(needs, looking or Looking(embedding="grey"), f"sampler {name!r}")
    n, found = look(open_source(Path(video)) if isinstance(video, str | Path) else video)
    return choose_frames(name, n, count_of_share(n, share), found, options)


def compress(
    video: Video,
    target: Path | str,
    *,
    keep: str = "1",
    point: float = 37,
    method: Method | None = None,
    fps: float | None = None,
    seconds: float = SECONDS,
    device: str = "auto",
    workers: int | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Summary:
    """Compress a video into a container; see ``vcmflow.tool.compress.compress``.

    Args:
        video: a file, a folder of pictures, or frames, which are read once.
        target: the container to write, whole or not at all.
        keep: the share of frames to keep, such as "1/3".
        point: operating point of the codec (QP, CRF, ...).
        method: what chooses and codes; None: uniform sampling, VVenC.
        fps: of frames and pictures (default 25); of a file, in place of its own times.
        seconds: the length of a segment at most.
        device: "auto", "cpu" or "cuda", for learned codecs.
        workers: segments coded at a time; do not change the result.
        threads: of each of them; do not change the result.
        progress: is told the frames and seconds that are read.

    Raises:
        VcmflowError: the video cannot be read or has no frames, or the method refuses it.
    """
    if isinstance(video, str | Path):
        video = open_timed(Path(video), fps)
    elif not isinstance(video, Source):
        video = of_frames(video) if fps is None else of_frames(video, fps)
    return _compress(
        video,
        Path(target),
        keep=keep,
        point=point,
        method=method,
        seconds=seconds,
        device=device,
        workers=workers,
        threads=threads,
        progress=progress,
    )


def restore(
    container: Path | str,
    *,
    reconstructor: str | None = None,
    reconstructor_weights: Path | None = None,
    codec_weights: Path | None = None,
    only_samples: bool = False,
    start: float = 0.0,
    end: float = float("inf"),
    device: str = "auto",
    threads: int = 1,
) -> Iterator[Timed]:
    """Yield the frames of a container with their times.

    Args:
        container: the file.
        reconstructor: an instance as on the command line; None: the one that the file names.
        reconstructor_weights: its weights file.
        codec_weights: weights file of a learned codec.
        only_samples: the kept frames alone.
        start: seconds; frames that are shown from then on.
        end: seconds; frames whose time is before.
        device: "auto", "cpu" or "cuda".
        threads: of decoder and networks; do not change the result.

    Raises:
        VcmflowError: no container; after the last frame, one that is not whole.
    """
    with open_container(Path(container)) as reader:
        receiver = Receiver(
            *(reader, reconstructor, reconstructor_weights, codec_weights, device, threads)
        )
        yield from receiver.frames(only_samples=only_samples, start=start, end=end)
        reader.check()
