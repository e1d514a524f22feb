"""The words by which captions and legends call methods, codecs, points and tasks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vcmflow.core.errors import VcmflowError

_PARTS = ("title", "short", "point")


@dataclass(frozen=True)
class Titles:
    """Name of an instance or a method -> its words; names without words stand for themselves.

    A codec may have three: ``title`` ("random access"), ``short`` ("ra") and ``point``, what its
    operating points are called ("QP").
    """

    given: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def of(self, name: str) -> str:
        """The words for a name."""
        return self.given.get(name, {}).get("title", name)

    def short(self, name: str) -> str:
        """The fewest words for a name."""
        return self.given.get(name, {}).get("short", name)

    def point(self, codec: str, point: str) -> str:
        """An operating point of a codec: "QP 22"."""
        return f"{self.given.get(codec, {}).get('point', 'point')} {point}"


def parse_titles(text: str) -> Titles:
    """Read ``{"manifold_ai": "manifold", "vvenc_ra": {"title": …, "short": …, "point": …}}``.

    Raises:
        VcmflowError: something else.
    """
    try:
        value: Any = json.loads(text)
    except json.JSONDecodeError as error:
        raise VcmflowError(f"--titles: not JSON ({error})") from None
    given: dict[str, dict[str, str]] = {}
    for name, words in value.items() if isinstance(value, dict) else [("", value)]:
        parts = {"title": words} if isinstance(words, str) else words
        if not isinstance(parts, dict) or not all(
            key in _PARTS and isinstance(part, str) for key, part in parts.items()
        ):
            raise VcmflowError(
                f"--titles: {name or 'all of it'} is {words!r}; wanted: names with words, or with "
                f"a mapping of {', '.join(_PARTS)}"
            )
        given[name] = parts
    return Titles(given)
