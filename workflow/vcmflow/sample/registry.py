"""The samplers: what each needs and may be told. Light, so that planning can use it.

A sampler's *method* is an entry of :data:`SAMPLERS`; a named sampler of an experiment is an
*instance* of a method with its settings, as the configuration gives it::

    manifold: {method: manifold, embedding: learned, arc: chord, count: exact}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from vcmflow.core.errors import VcmflowError
from vcmflow.embed.registry import EMBEDDERS

Need = Literal["embedding", "tracks"]


@dataclass(frozen=True)
class Method:
    """One way to choose frames.

    Attributes:
        chooser: ``"module:function"``; the function takes n, m, what the method needs under the
            name of the need, and its options by name, and returns the kept frames.
        needs: what must be computed from the frames first, if anything.
        options: option -> allowed values; the first one is the default.
        keeps_all: the method keeps all n frames, whatever m is.
    """

    chooser: str
    needs: Need | None = None
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    keeps_all: bool = False


SAMPLERS: dict[str, Method] = {
    "all": Method("vcmflow.sample.everything:choose", keeps_all=True),
    "uniform": Method("vcmflow.sample.uniform:choose"),
    "tracking": Method("vcmflow.sample.tracking:choose", needs="tracks"),
    "manifold": Method(
        "vcmflow.sample.manifold:choose",
        needs="embedding",
        options={"arc": ("chord", "spline"), "count": ("exact", "literal")},
    ),
}


@dataclass(frozen=True)
class Sampler:
    """A named sampler of an experiment, checked: a method with all its settings."""

    name: str
    method: str
    needs: Need | None
    embedding: str | None
    options: dict[str, str]


def find_method(name: str) -> Method:
    """Return the method called ``name``.

    Raises:
        VcmflowError: there is none; the message lists those that exist.
    """
    if name not in SAMPLERS:
        raise VcmflowError(
            f"unknown sampling method {name!r}; allowed: {', '.join(sorted(SAMPLERS))}"
        )
    return SAMPLERS[name]


def complete_options(method: str, given: Mapping[str, Any]) -> dict[str, str]:
    """Return every option of ``method``: the given ones, checked, and the defaults of the others.

    Raises:
        VcmflowError: an unknown option, or a value that is not allowed.
    """
    allowed = find_method(method).options
    for key, value in given.items():
        if key not in allowed:
            choices = ", ".join(sorted(allowed)) or "none"
            raise VcmflowError(
                f"sampling method {method!r} has no option {key!r}; allowed: {choices}"
            )
        if value not in allowed[key]:
            raise VcmflowError(
                f"sampling method {method!r}: {key} is {value!r}; "
                f"allowed: {', '.join(allowed[key])}"
            )
    return {key: str(given.get(key, values[0])) for key, values in sorted(allowed.items())}


def plan_sampler(name: str, settings: Mapping[str, Any]) -> Sampler:
    """Check a named sampler of the configuration and complete it with the defaults.

    Args:
        name: ``[a-z0-9_]+``, used in file names.
        settings: ``method``, ``embedding`` where the method needs one, and the method's options.

    Raises:
        VcmflowError: a bad name, an unknown method, embedding or option; the line says which.
    """
    if not re.fullmatch(r"[a-z0-9_]+", name):
        raise VcmflowError(f"sampler name {name!r} may hold only a-z, 0-9 and _")
    rest = dict(settings)
    if "method" not in rest:
        raise VcmflowError(
            f"sampler {name!r} has no method; allowed: {', '.join(sorted(SAMPLERS))}"
        )
    method = str(rest.pop("method"))
    needs = find_method(method).needs
    embedding = rest.pop("embedding", None)
    if needs == "embedding" and embedding not in EMBEDDERS:
        allowed = ", ".join(sorted(EMBEDDERS))
        raise VcmflowError(f"sampler {name!r}: embedding is {embedding!r}; allowed: {allowed}")
    if needs != "embedding" and embedding is not None:
        raise VcmflowError(f"sampler {name!r}: method {method!r} takes no embedding")
    try:
        options = complete_options(method, rest)
    except VcmflowError as error:
        raise VcmflowError(f"sampler {name!r}: {error}") from None
    return Sampler(name, method, needs, embedding, options)
