"""``--option key=value`` on the command line: settings of a plug-in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from vcmflow.core.errors import VcmflowError


def parse_options(pairs: Sequence[str]) -> dict[str, Any]:
    """Turn ``["radius=0.5", "arc=chord"]`` into ``{"radius": 0.5, "arc": "chord"}``.

    Values are read as YAML, so numbers, booleans, null and lists come out as such.

    Raises:
        VcmflowError: a pair has no ``=``, an empty or repeated key, or a value that is not YAML.
    """
    options: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals or not key:
            raise VcmflowError(f"option {pair!r} is not key=value")
        if key in options:
            raise VcmflowError(f"option {key!r} is given twice")
        try:
            options[key] = yaml.safe_load(text)
        except yaml.YAMLError:
            raise VcmflowError(f"option {key!r}: {text!r} is not a YAML value") from None
    return options
