"""Checks of the settings that detectors share."""

from __future__ import annotations

from vcmflow.core.errors import VcmflowError


def check_share(model: str, key: str, value: object) -> None:
    """Refuse a setting that is not a number from 0 to 1."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (number and 0 <= float(str(value)) <= 1):
        raise VcmflowError(f"{model}: {key} = {value}; allowed: 0..1")


def check_count(model: str, key: str, value: object, most: int = 2000) -> None:
    """Refuse a setting that is not an integer from 1 to ``most``."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not (whole and 1 <= int(str(value)) <= most):
        raise VcmflowError(f"{model}: {key} = {value}; allowed: integers 1..{most}")
