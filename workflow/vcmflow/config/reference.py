"""``vcmflow stage parameters``: the reference page of params.yaml, made of its models."""

from __future__ import annotations

import argparse
import json
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Union

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from vcmflow.config.models import Instance, Settings
from vcmflow.core.files import whole_file

HEAD = """# Parameters

Made by `vcmflow stage parameters --out docs/parameters.md` from
`workflow/vcmflow/config/models.py`; a test holds the two together. An *instance* is a registered
plug-in with its settings: keys beside those of its table are options of the plug-in, which its
module documents. Any instance may say `like: <other name>` and then only what differs.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("--out", type=Path, required=True, help="Markdown")


def run(args: argparse.Namespace) -> None:
    """Write the page."""
    with whole_file(args.out, recorded=False) as temporary:
        temporary.write_text(page(), "utf-8")


def page() -> str:
    """The page as Markdown."""
    lines = [HEAD]
    done: set[type[BaseModel]] = set()
    for key, model in _sections("", Settings):
        if model in done:
            continue
        done.add(model)
        lines += [f"\n## {f'`{key}`' if key else 'Top level'}\n", _summary(model), ""]
        rows = [
            f"| `{name}` | {kind} | {_default(field)} | {field.description or ''} |"
            for name, field in model.model_fields.items()
            if (kind := _kind(field.annotation, field.metadata)) != "section"
        ]
        if rows:
            lines += ["| key | allowed | default | meaning |", "| --- | --- | --- | --- |", *rows]
    return "\n".join(lines).rstrip() + "\n"


def _sections(key: str, model: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    """(key, model) of every mapping, outer ones first."""
    yield key, model
    for name, field in model.model_fields.items():
        inner, named = _model(field.annotation)
        if inner is not None:
            place = ".".join(filter(None, [key, name, "<name>" if named else ""]))
            yield from _sections(place, inner)


def _model(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    """The model in a field's type, and whether it stands in a mapping from names."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    named = typing.get_origin(annotation) is dict
    for part in typing.get_args(annotation):
        found, inner = _model(part)
        if found is not None:
            return found, named or inner
    return None, False


def _summary(model: type[BaseModel]) -> str:
    text = " ".join((model.__doc__ or "").split("\n\n")[0].split())
    if issubclass(model, Instance):
        text += " An instance: further keys are options of the plug-in."
    return text


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    return f"`{json.dumps(field.get_default(call_default_factory=True))}`"


def _kind(annotation: Any, metadata: list[Any]) -> str:
    """A type in words."""
    if _model(annotation)[0] is not None:
        return "section"
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in arguments)
    if origin is typing.Annotated:
        return _kind(arguments[0], [*arguments[1:], *metadata])
    if origin in (Union, types.UnionType):
        parts = [_kind(part, metadata) for part in arguments if part is not type(None)]
        words = " or ".join(dict.fromkeys(parts))
        return f"{words}, or null" if type(None) in arguments else words
    if origin is list:
        return f"list of {_kind(arguments[0], [])}"
    if origin is dict:
        return f"mapping to {_kind(arguments[1], [])}"
    names = {int: "integer", float: "number", str: "text", bool: "true, false"}
    return names.get(annotation, str(annotation)) + _limits(metadata)


def _limits(metadata: list[Any]) -> str:
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    parts: list[Any] = []
    for entry in metadata:
        parts += entry.metadata if isinstance(entry, FieldInfo) else [entry]
    found = [
        f"{sign} {getattr(part, name)}"
        for part in parts
        for name, sign in signs.items()
        if getattr(part, name, None) is not None
    ]
    return f" {', '.join(found)}" if found else ""
