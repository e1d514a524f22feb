"""The samplers. Light, so that planning can use it.

A builder takes the number of frames n, how many to keep m, the id of the ``sequence`` where it has
such a parameter, what it needs under the need's name, and its options by name, and returns the kept
frames (see ``vcmflow.sample.decide``).
"""

from __future__ import annotations

from dataclasses import dataclass

from vcmflow.core.registry import Entry


@dataclass(frozen=True)
class SamplerEntry(Entry):
    """A sampler.

    Attributes:
        keeps_all: it keeps all n frames, whatever m is.
        derived: n and m are enough to make the choice again, so that no gaps need to be sent.
    """

    keeps_all: bool = False
    derived: bool = False


SAMPLERS: dict[str, SamplerEntry] = {
    "all": SamplerEntry("vcmflow.sample.everything:choose", keeps_all=True, derived=True),
    "difference": SamplerEntry("vcmflow.sample.difference:choose", needs=("embedding",)),
    "manifold": SamplerEntry("vcmflow.sample.manifold:choose", needs=("embedding",)),
    "oracle": SamplerEntry("vcmflow.sample.oracle:choose", needs=("choices",)),
    "random": SamplerEntry("vcmflow.sample.random:choose"),
    "tracking": SamplerEntry("vcmflow.sample.tracking:choose", needs=("tracks",)),
    "uniform": SamplerEntry("vcmflow.sample.uniform:choose", derived=True),
}

# What the stage gives to every sampler.
GIVEN = ("n", "m", "sequence")
