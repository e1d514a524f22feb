"""Checking settings that come from outside against the signature that will receive them."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

from vcmflow.core.errors import VcmflowError

_NAMES = {int: "an integer", float: "a number", str: "a word", bool: "true or false"}


def check_settings(
    what: str, target: Callable[..., Any], values: Mapping[str, Any], fixed: frozenset[str]
) -> dict[str, Any]:
    """Return ``values`` as ``target``'s keyword arguments, each of its annotated type.

    Args:
        what: what is being set, for the message.
        target: a function or dataclass with annotated parameters (int, float, str, bool or None).
        values: settings by name.
        fixed: parameters of ``target`` that are no settings.

    Raises:
        VcmflowError: an unknown name, or a value of another type.
    """
    allowed = [name for name in inspect.signature(target).parameters if name not in fixed]
    hints = typing.get_type_hints(target)
    checked: dict[str, Any] = {}
    for name, value in values.items():
        if name not in allowed:
            raise VcmflowError(
                f"{what} has no option {name!r}; allowed: {', '.join(allowed) or 'none'}"
            )
        hint = hints[name]
        kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
        checked[name] = _convert(f"{what}: {name}", value, kinds)
    return checked


def _convert(where: str, value: Any, kinds: tuple[Any, ...]) -> Any:
    if value is None and types.NoneType in kinds:
        return None
    for kind in kinds:
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        if isinstance(value, bool) and kind is not bool:
            continue
        if kind is not types.NoneType and isinstance(value, kind):
            return value
    wanted = " or ".join("nothing" if k is types.NoneType else _NAMES[k] for k in kinds)
    raise VcmflowError(f"{where} is {value!r}; wanted: {wanted}")
