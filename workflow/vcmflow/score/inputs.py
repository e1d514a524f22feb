"""What was sent of a sequence and what became of it: streams, side information, fidelity, times."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vcmflow.core.decision import read_decision
from vcmflow.core.encoding import read_encoding
from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import read_json
from vcmflow.core.gaps import read_gaps
from vcmflow.core.rows import number, read_csv, whole_number
from vcmflow.core.sequence import Sequence
from vcmflow.sample.registry import SAMPLERS, SamplerEntry

# A frame without any error has infinite PSNR, which no mean survives; frames count at most this.
PSNR_CEILING = 100.0

Numbers = dict[str, float]


def read_side(decision_path: Path, gaps_path: Path, sequence: Sequence) -> Numbers:
    """``m``, ``m_expected`` and ``metadata_bytes`` of a sampling decision.

    The gaps count only where a receiver that knows n and m could not derive them.

    Raises:
        VcmflowError: a file is broken, of another sequence, or the gaps are not the decision's.
    """
    decision = read_decision(decision_path)
    if (decision.sequence, decision.n) != (sequence.id, sequence.frames):
        raise VcmflowError(
            f"{decision_path}: is of {decision.sequence} with {decision.n} frames, not of "
            f"{sequence.id} with {sequence.frames}"
        )
    if read_gaps(gaps_path) != decision.gaps:
        raise VcmflowError(f"{gaps_path}: does not hold the gaps of {decision_path}")
    sampler = SAMPLERS.get(decision.method, SamplerEntry(""))
    return {
        "m": decision.m,
        "m_expected": decision.n if sampler.keeps_all else decision.m_requested,
        "metadata_bytes": 0 if sampler.derived else gaps_path.stat().st_size,
    }


def read_sent(path: Path, kept: float) -> dict[str, Numbers]:
    """Read ``encode.json``: point -> ``stream_bytes`` of all streams together, ``encode_seconds``.

    Where there is more than one stream, each has its ``stream_bytes.<role>`` beside; of a learned
    codec there are its ``parameters``, ``encode_macs`` and ``decode_macs``, too.

    Args:
        path: the report.
        kept: number m of frames that must have been coded.

    Raises:
        VcmflowError: it is broken, a stream is empty, or another number of frames was coded.
    """
    encoding = read_encoding(path)
    if encoding.shape.pictures != kept:
        raise VcmflowError(
            f"{path}: {encoding.shape.pictures} frames were coded, {kept:.0f} were kept"
        )
    sent: dict[str, Numbers] = {}
    for point, coded in encoding.points.items():
        for stream in coded.streams:
            if stream.bytes < 1:
                raise VcmflowError(f"{path}: point {point}: the stream {stream.role!r} is empty")
        sent[point] = {"stream_bytes": coded.bytes, "encode_seconds": coded.seconds}
        if len(coded.streams) > 1:
            sent[point] |= {f"stream_bytes.{part.role}": part.bytes for part in coded.streams}
        sent[point] |= vars(encoding.cost) if encoding.cost else {}
    return sent


def read_times(path: Path) -> dict[str, Numbers]:
    """Read ``times.json``: point -> ``decode_seconds`` and ``reconstruct_seconds``.

    Raises:
        VcmflowError: it is broken.
    """
    content: Any = read_json(path)
    names = ("decode_seconds", "reconstruct_seconds")
    try:
        return {
            str(point): {name: float(entry[name]) for name in names if name in entry}
            for point, entry in content["points"].items()
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise VcmflowError(f"{path}: not a report of the reconstruct stage ({error!r})") from None


def read_fidelity(path: Path, sequence: Sequence, kept: float) -> dict[str, Numbers]:
    """Read per-frame fidelity: point -> ``psnr``, ``ssim``, ``psnr_kept``, means over frames.

    Raises:
        VcmflowError: the file is broken or belongs to another sequence or decision.
    """
    columns = ("sequence", "point", "frame", "kept", "psnr", "ssim")
    points: dict[str, dict[int, tuple[float, float, bool]]] = {}
    for line, row in enumerate(read_csv(path, columns), start=2):
        where = f"{path}: line {line}"
        if row["sequence"] != sequence.id:
            raise VcmflowError(f"{where}: is of {row['sequence']!r}, not of {sequence.id!r}")
        frame = whole_number(row, "frame", where)
        frames = points.setdefault(row["point"], {})
        if frame in frames:
            raise VcmflowError(f"{where}: frame {frame} comes twice")
        psnr = PSNR_CEILING if row["psnr"] == "inf" else number(row, "psnr", where)
        ssim = number(row, "ssim", where)
        if math.isnan(psnr) or math.isnan(ssim):
            raise VcmflowError(f"{where}: psnr or ssim is empty")
        is_kept = whole_number(row, "kept", where) == 1
        frames[frame] = (min(psnr, PSNR_CEILING), ssim, is_kept)
    return {
        point: _means(f"{path}: point {point}", frames, sequence.frames, kept)
        for point, frames in points.items()
    }


def _means(
    where: str, frames: Mapping[int, tuple[float, float, bool]], count: int, m: float
) -> Numbers:
    if sorted(frames) != list(range(count)):
        raise VcmflowError(f"{where}: has {len(frames)} frames; needed: 0..{count - 1}")
    # Summed in the order of the frames: floating point sums depend on order.
    ordered = [frames[index] for index in range(count)]
    kept = [psnr for psnr, _, is_kept in ordered if is_kept]
    if len(kept) != m:
        raise VcmflowError(f"{where}: has {len(kept)} kept frames, the decision {m:.0f}")
    return {
        "psnr": sum(psnr for psnr, _, _ in ordered) / count,
        "ssim": sum(ssim for _, ssim, _ in ordered) / count,
        "psnr_kept": sum(kept) / len(kept),
    }
