"""Registries: dicts from a name to an :class:`Entry`, and how an entry is found, checked and built.

The builder's module is imported only when its entry is used, so that a job pays for (and is rerun
for) the methods that it uses and no others. What a user may say of an entry, its *options*, are the
builder's parameters: their names are checked in the plan from the source, without importing it, and
their values against the annotations when the entry is built.
"""

from __future__ import annotations

import ast
import difflib
import importlib
import inspect
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar

from vcmflow.core.errors import VcmflowError

if typing.TYPE_CHECKING:
    from pydantic import TypeAdapter

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Entry:
    """One entry of a registry.

    Attributes:
        builder: ``"package.module:function"``. Its keyword parameters are the entry's options,
            but for those that the stage itself gives (``weights``, ``device``, ``threads``, needs).
        needs: what has to be computed from the original frames first; names in
            ``vcmflow.core.needs.NEEDS``.
        gpu: it takes a GPU where there is one.
    """

    builder: str
    needs: tuple[str, ...] = ()
    gpu: bool = False


E = TypeVar("E", bound=Entry)


def find(registry: Mapping[str, E], name: str, what: str) -> E:
    """The entry called ``name``.

    Args:
        registry: name -> entry.
        name: the entry asked for.
        what: what the entries are ("sampler", "codec", ...), for the error message.

    Raises:
        VcmflowError: no such entry; the message lists those that exist.
    """
    if name not in registry:
        raise VcmflowError(
            f"unknown {what} {name!r}; allowed: {', '.join(sorted(registry))}{hint(name, registry)}"
        )
    return registry[name]


def hint(value: object, allowed: Iterable[str]) -> str:
    """`` (did you mean …?)`` where one of the allowed names is close, else nothing."""
    close = difflib.get_close_matches(str(value), list(allowed), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def lookup(registry: Mapping[str, Entry], name: str, what: str) -> Callable[..., Any]:
    """Import and return the builder registered under ``name``.

    Raises:
        VcmflowError: no such entry; the message lists those that exist.
    """
    return load(find(registry, name, what).builder)


def load(function: str) -> Callable[..., Any]:
    """Import and return ``"package.module:function"``.

    Raises:
        VcmflowError: it needs a library that is not installed.
    """
    module, _, attribute = function.partition(":")
    try:
        loaded: Callable[..., Any] = getattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError as error:
        raise VcmflowError(
            f"{module} needs {error.name}, which is not installed: pip install 'vcmflow[learn]'"
        ) from None
    return loaded


def build(
    registry: Mapping[str, Entry],
    name: str,
    what: str,
    options: Mapping[str, Any],
    *,
    offered: Mapping[str, Any] | None = None,
    **given: Any,
) -> Any:
    """Call a builder with the user's options and with what the stage gives.

    Args:
        registry: name -> entry.
        name: the entry asked for.
        what: what the entries are, for the error messages.
        options: settings by the user: parameters of the builder that the stage does not give. One
            under the name of a need only says which of several there are; it is left out here.
        offered: arguments by the stage that the builder gets where it has a parameter for them:
            ``weights``, ``device``, ``threads``.
        given: arguments by the stage that every builder has, not open to the user.

    Raises:
        VcmflowError: no such entry, an option that it does not have, or a value that its
            annotation does not allow; weights for an entry that takes none, or threads below 1.
    """
    builder = lookup(registry, name, what)
    options = {key: value for key, value in options.items() if key not in registry[name].needs}
    parameters = inspect.signature(builder).parameters
    offered = offered or {}
    if offered.get("weights") is not None and "weights" not in parameters:
        raise VcmflowError(f"{what} {name!r} takes no weights")
    if offered.get("threads", 1) < 1:
        raise VcmflowError(f"--threads is {offered['threads']}; allowed: 1 or more")
    own = dict(given)
    own |= {key: value for key, value in offered.items() if key in parameters}
    allowed = [key for key in parameters if key not in own]
    return builder(**own, **check_options(builder, f"{what} {name!r}", options, allowed))


def check_options(
    function: Callable[..., Any], where: str, options: Mapping[str, Any], allowed: Iterable[str]
) -> dict[str, Any]:
    """The options as ``function`` takes them, each checked against its annotation.

    Args:
        function: whose parameters the options are.
        where: what the error messages begin with.
        options: name -> value.
        allowed: the parameters that are open to the user.

    Raises:
        VcmflowError: an unknown option, or a value that its annotation does not allow.
    """
    _check_names(where, options, list(allowed))
    if not options:
        return {}
    return {
        key: _value(_adapter(function, key), value, f"{where}: option {key}")
        for key, value in options.items()
    }


def _value(adapter: TypeAdapter[Any], value: Any, where: str) -> Any:
    from pydantic import ValidationError

    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        expected = first.get("ctx", {}).get("expected") or first["msg"].removeprefix(
            "Input should be "
        )
        raise VcmflowError(f"{where} is {value!r}; allowed: {expected}") from None


def check_spelt(builder: str, where: str, options: Mapping[str, Any]) -> None:
    """Check options without importing their builder, as far as its source says their types.

    That is: with the words of Python, typing and ``vcmflow.core.ranges``.

    Raises:
        VcmflowError: a value that its annotation does not allow.
    """
    from pydantic import Field, TypeAdapter

    from vcmflow.core import ranges

    words = vars(ranges) | {"Annotated": typing.Annotated, "Field": Field}
    types = _types(builder)
    for key in types.keys() & options.keys():
        try:
            adapter = TypeAdapter[Any](eval(types[key], dict(words)))  # noqa: S307  our own source
        except NameError:
            continue
        _value(adapter, options[key], f"{where}: option {key}")


@cache
def _types(builder: str) -> dict[str, str]:
    """The annotations of a function's parameters, as its source has them."""
    module, _, attribute = builder.partition(":")
    path = ROOT.joinpath(*module.split(".")).with_suffix(".py")
    tree = ast.parse(path.read_text("utf-8")) if path.is_file() else ast.Module([], [])
    return {
        argument.arg: ast.unparse(argument.annotation)
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name == attribute
        for argument in [*node.args.args, *node.args.kwonlyargs]
        if argument.annotation is not None
    }


@cache
def _adapter(function: Callable[..., Any], parameter: str) -> TypeAdapter[Any]:
    """What checks a value against the annotation of a parameter."""
    from pydantic import TypeAdapter

    whole = function.func if isinstance(function, partial) else function
    hints = typing.get_type_hints(whole, include_extras=True)
    return TypeAdapter(hints.get(parameter, Any))


def check_names(
    registry: Mapping[str, Entry],
    name: str,
    what: str,
    options: Iterable[str],
    given: Iterable[str],
) -> None:
    """Check that an entry exists and has these options, without importing it.

    Args:
        registry: name -> entry.
        name: the entry asked for.
        what: what the entries are, for the error messages.
        options: names of the user's settings.
        given: names of the arguments that the stage gives.

    Raises:
        VcmflowError: it does not.
    """
    taken = set(given)
    allowed = [key for key in parameters(find(registry, name, what).builder) if key not in taken]
    _check_names(f"{what} {name!r}", options, allowed)


def _check_names(where: str, options: Iterable[str], allowed: list[str]) -> None:
    for key in options:
        if key not in allowed:
            choices = ", ".join(allowed) or "none"
            raise VcmflowError(
                f"{where} has no option {key!r}; allowed: {choices}{hint(key, allowed)}"
            )


@cache
def parameters(builder: str) -> dict[str, Any]:
    """The parameters of a function or dataclass with their defaults, read from the source.

    Parameters without a default, or with one that is no literal, have None.

    Raises:
        VcmflowError: there is no such function.
    """
    module, _, attribute = builder.partition(":")
    base = ROOT.joinpath(*module.split("."))
    path = next((p for p in (base.with_suffix(".py"), base / "__init__.py") if p.is_file()), None)
    if path is None:  # a plug-in that was installed from elsewhere
        return _signature(builder)
    for node in ast.parse(path.read_text("utf-8"), str(path)).body:
        if isinstance(node, ast.ClassDef) and node.name == attribute:
            if node.bases:
                return _signature(builder)
            fields = [part for part in node.body if isinstance(part, ast.AnnAssign)]
            return {ast.unparse(field.target): _literal(field.value) for field in fields}
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == attribute:
            # name = partial(function, first argument, ...)
            function, *bound = (ast.unparse(part) for part in getattr(node.value, "args", []))
            return dict([*parameters(f"{module}:{function}").items()][len(bound) :])
        if isinstance(node, ast.FunctionDef) and node.name == attribute:
            given = node.args
            placed = [*given.posonlyargs, *given.args]
            values = [None] * (len(placed) - len(given.defaults)) + [*given.defaults]
            pairs = [*zip(placed, values, strict=True)]
            pairs += zip(given.kwonlyargs, given.kw_defaults, strict=True)
            return {argument.arg: _literal(value) for argument, value in pairs}
    raise VcmflowError(f"{path}: no function {attribute!r}")


def _signature(builder: str) -> dict[str, Any]:
    found = inspect.signature(load(builder)).parameters.values()
    return {p.name: None if p.default is p.empty else p.default for p in found}


def _literal(node: ast.expr | None) -> Any:
    try:
        return None if node is None else ast.literal_eval(node)
    except ValueError:
        return None
