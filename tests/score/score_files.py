"""Methods of the sequences that tests score."""

from __future__ import annotations

from typing import Any


def method(name: str, points: list[str], codec: str = "vvc", **more: str) -> dict[str, Any]:
    """A method whose sampler is called like it, but for a suffix after a double underscore."""
    sampler = name.partition("__")[0]
    chain = {"name": name, "sampler": sampler, "codec": codec, "reconstructor": "flow"}
    return chain | more | {"points": points}


METHODS = [method("uniform", ["22", "42"]), method("all", ["22"], "vvc_ai")]
