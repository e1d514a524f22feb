"""Registries: plain dicts from a name to ``"module:builder"``.

The builder's module is imported only when its entry is used, so that a job pays for (and is rerun
for) the methods that it uses and no others.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from vcmflow.core.errors import VcmflowError


def lookup(registry: Mapping[str, str], name: str, what: str) -> Callable[..., Any]:
    """Import and return the builder registered under ``name``.

    Args:
        registry: name -> ``"package.module:function"``.
        name: the entry asked for.
        what: what the entries are ("sampler", "codec", ...), for the error message.

    Raises:
        VcmflowError: no such entry; the message lists those that exist.
    """
    if name not in registry:
        allowed = ", ".join(sorted(registry))
        raise VcmflowError(f"unknown {what} {name!r}; allowed: {allowed}")
    module, _, attribute = registry[name].partition(":")
    builder: Callable[..., Any] = getattr(importlib.import_module(module), attribute)
    return builder


def build(
    registry: Mapping[str, str], name: str, what: str, options: Mapping[str, Any], **given: Any
) -> Any:
    """Look a builder up and call it with the user's options and with what the caller gives.

    Args:
        registry: name -> ``"package.module:function"``.
        name: the entry asked for.
        what: what the entries are, for the error messages.
        options: settings by the user; each has to be a parameter of the builder.
        given: arguments by the caller, not open to the user.

    Raises:
        VcmflowError: no such entry, or an option that it does not have.
    """
    builder = lookup(registry, name, what)
    allowed = [key for key in inspect.signature(builder).parameters if key not in given]
    for key in options:
        if key not in allowed:
            choices = ", ".join(allowed) or "none"
            raise VcmflowError(f"{what} {name!r} has no option {key!r}; allowed: {choices}")
    return builder(**given, **options)
