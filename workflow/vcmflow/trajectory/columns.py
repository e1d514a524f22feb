"""Columns of the table of ``vcmflow stage trajectory``, one row per variant and sequence."""

from __future__ import annotations

COLUMNS = (
    "variant",
    "embedding",
    "embedder",
    "sampler",
    "differs",
    "parameters",
    "sequence",
    "n",
    "m",
    "dimension",
    "flicker",
    "step_to_random",
    "step_to_own",
    "turning",
    "neighbours",
    "correlation",
)
