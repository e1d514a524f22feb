"""An *instance* on the command line: a registered plug-in with its settings.

``--codec vvenc`` is the plug-in as it is, ``--codec '{codec: vvenc, preset: fast}'`` (YAML, so JSON
too) one with settings. Stages hand the second form on to their registry as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from vcmflow.core.errors import VcmflowError


def parse_instance(text: str, key: str, flag: str = "") -> tuple[str, dict[str, Any]]:
    """The plug-in's name and its settings.

    Args:
        text: a name, or a YAML mapping in which ``key`` names the plug-in.
        key: ``codec``, ``sampler``, ...
        flag: the flag without its dashes, where it is not the key.

    Raises:
        VcmflowError: neither, or the mapping does not have the key.
    """
    try:
        value = yaml.safe_load(text)
    except (ValueError, RecursionError, yaml.YAMLError):
        value = None
    if isinstance(value, str):
        return value, {}
    if not isinstance(value, dict) or not isinstance(value.get(key), str):
        raise VcmflowError(
            f"--{flag or key} {text!r}; wanted: a name, or a mapping such as "
            f"'{{{key}: name, option: 1}}'"
        )
    if not all(isinstance(name, str) for name in value):
        raise VcmflowError(f"--{flag or key} {text!r}: the names of options have to be text")
    rest: Mapping[str, Any] = {name: part for name, part in value.items() if name != key}
    return value[key], dict(rest)


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
        except (ValueError, RecursionError, yaml.YAMLError):
            raise VcmflowError(f"option {key!r}: {text!r} is not a YAML value") from None
    return options
