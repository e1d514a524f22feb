"""What is in a container, without decoding it."""

from __future__ import annotations

import json
from typing import Any

from vcmflow.tool.container import Reader


def read_info(reader: Reader) -> dict[str, Any]:
    """Everything that a container says, as JSON has it.

    Returns:
        ``header``; ``frames``, ``kept``, ``seconds``, ``bytes``, ``stream_bytes`` by role,
        ``overhead_bytes``, ``kbps`` of the whole; ``segments``, a list with ``frames``, ``kept``,
        ``start`` (seconds), ``gaps``, ``stream_bytes`` and ``crc32`` of each; ``missing``, a list
        of reasons.
    """
    header = reader.header
    unit = header.time_base
    parts: list[dict[str, Any]] = []
    totals = dict.fromkeys(header.roles, 0)
    length = 0
    for segment in reader:
        sizes = {role: len(data) for role, data in segment.streams.items()}
        for role, size in sizes.items():
            totals[role] += size
        length += segment.end - segment.times[0]
        parts.append(
            {
                "start": float(segment.times[0] * unit),
                "seconds": float((segment.end - segment.times[0]) * unit),
                "frames": segment.frames,
                "kept": segment.kept,
                "stream_bytes": sizes,
                "overhead_bytes": segment.overhead,
                "crc32": f"{segment.checksum:08x}",
                "gaps": list(segment.gaps),
            }
        )
    seconds = float(length * unit)
    return {
        "header": json.loads(header.to_json()),
        "frames": sum(part["frames"] for part in parts),
        "kept": sum(part["kept"] for part in parts),
        "seconds": seconds,
        "bytes": reader.size,
        "stream_bytes": totals,
        "overhead_bytes": reader.start + sum(part["overhead_bytes"] for part in parts),
        "kbps": 8 * reader.size / seconds / 1000 if seconds else None,
        "segments": parts,
        "missing": list(reader.missing),
    }
