"""Types of options, for the annotations of builders (see ``vcmflow.core.registry``)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

Share = Annotated[float, Field(ge=0, le=1)]
AboveZero = Annotated[float, Field(gt=0, allow_inf_nan=False)]
ZeroOrMore = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]  # 1, 2, 3, ...
Natural = Annotated[int, Field(ge=0)]  # 0, 1, 2, ...
Seed = Annotated[int, Field(ge=0)]
Precision = Literal["auto", "float32", "bfloat16"]
NetworkPrecision = Literal["auto", "fp32", "fp16", "bf16"]  # see core.device.choose_precision
