"""From params.yaml, a preset and the command line to checked settings."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from vcmflow.config.models import Settings
from vcmflow.core.errors import VcmflowError
from vcmflow.core.registry import hint

PRESETS = Path(__file__).resolve().parents[2] / "presets"
# Tables of instances, in which one may be like another: (section, key).
INSTANCES = (
    ("train", "trainings"),
    ("embed", "embeddings"),
    ("importance", "maps"),
    ("sample", "samplers"),
    ("encode", "codecs"),
    ("reconstruct", "reconstructors"),
    ("task", "tasks"),
)

Values = dict[str, Any]


def read_yaml(path: Path) -> Values:
    """Read a YAML mapping.

    Raises:
        VcmflowError: the file is missing, is not YAML, or is not a mapping.
    """
    try:
        value = yaml.safe_load(path.read_text("utf-8"))
    except FileNotFoundError:
        raise VcmflowError(f"{path}: no such file") from None
    except OSError as error:
        raise VcmflowError(f"{path}: cannot be read ({error.strerror})") from None
    except RecursionError:
        raise VcmflowError(f"{path}: not a YAML file (nested too deeply)") from None
    except (ValueError, yaml.YAMLError) as error:
        raise VcmflowError(f"{path}: not a YAML file ({' '.join(str(error).split())})") from None
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise VcmflowError(f"{path}: the top level is {type(value).__name__}, not a mapping")
    return value


def overlay(base: Mapping[str, Any], over: Mapping[str, Any]) -> Values:
    """Lay ``over`` upon ``base``: mappings merge key by key, everything else replaces."""
    merged = copy.deepcopy(dict(base))
    for key, value in over.items():
        if isinstance(value, Mapping) and isinstance(merged.get(key), Mapping):
            merged[key] = overlay(merged[key], value)
        else:
            merged[key] = copy.deepcopy(value)
    return merged


def difference(base: Mapping[str, Any], changed: Mapping[str, Any]) -> Values:
    """The overlay that turns ``base`` into ``changed`` (keys are never removed)."""
    result: Values = {}
    for key, value in changed.items():
        if isinstance(value, Mapping) and isinstance(base.get(key), Mapping):
            inner = difference(base[key], value)
            if inner:
                result[key] = inner
        elif key not in base or base[key] != value:
            result[key] = copy.deepcopy(value)
    return result


def presets() -> list[str]:
    """The names of the presets that exist."""
    return sorted(path.stem for path in PRESETS.glob("*.yaml"))


def resolve(params: Path, config: Mapping[str, Any] | None = None) -> Values:
    """The values of a run before they are checked.

    Args:
        params: params.yaml.
        config: what Snakemake made of params.yaml, ``--configfile`` and ``--config``; what differs
            from params.yaml in it was given on the command line and wins over the preset.

    Raises:
        VcmflowError: a file that is not YAML, an unknown preset, or an instance that is like none.
    """
    base = read_yaml(params)
    given = difference(base, config or {})
    preset = overlay(base, given).get("preset", "mini")
    if preset not in presets():
        raise VcmflowError(
            f"params.yaml: preset is {preset!r}; allowed: {', '.join(presets())}"
            f"{hint(preset, presets())}"
        )
    merged = overlay(overlay(base, read_yaml(PRESETS / f"{preset}.yaml")), given)
    for section, key in INSTANCES:
        table = (merged.get(section) or {}).get(key) if isinstance(merged.get(section), dict) else 0
        if isinstance(table, dict):
            merged[section][key] = {
                name: _inherit(f"{section}.{key}", table, name) for name in table
            }
    return merged


def _inherit(where: str, table: Mapping[str, Any], name: str, seen: tuple[str, ...] = ()) -> Any:
    """An instance laid over the one that it is ``like``."""
    entry = table[name]
    if not isinstance(entry, dict) or "like" not in entry:
        return entry
    other = entry["like"]
    if other not in table or other in (*seen, name):
        allowed = ", ".join(key for key in table if key != name)
        raise VcmflowError(f"params.yaml: {where}.{name}.like: is {other!r}; allowed: {allowed}")
    own = {key: value for key, value in entry.items() if key != "like"}
    return overlay(_inherit(where, table, other, (*seen, name)), own)


def load_settings(params: Path, config: Mapping[str, Any] | None = None) -> Settings:
    """The resolved, checked settings of a run; arguments as of :func:`resolve`.

    Raises:
        VcmflowError: unknown preset or key, wrong type or range; one line.
    """
    return check(resolve(params, config))


def check(values: Mapping[str, Any]) -> Settings:
    """Check settings against their models.

    Raises:
        VcmflowError: the first problem found, as one line.
    """
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        # The shallowest problem is the one that the user made; deeper ones often follow from it.
        first = min(error.errors(), key=lambda e: (len(e["loc"]), [str(part) for part in e["loc"]]))
        raise VcmflowError(f"params.yaml: {_explain(first)}") from None


def _explain(error: Mapping[str, Any]) -> str:
    place = [part for part in error["loc"] if not _branch(part)]
    key = ".".join(str(part) for part in place)
    kind, context, value = error["type"], error.get("ctx") or {}, error["input"]
    if kind == "extra_forbidden":
        allowed = sorted(_model_at(place[:-1]).model_fields)
        where = ".".join(str(part) for part in place[:-1])
        return (
            f"{f'{where}: ' if where else ''}unknown key {place[-1]!r}; allowed: "
            f"{', '.join(allowed)}{hint(place[-1], allowed)}"
        )
    if kind == "missing":
        where = ".".join(str(part) for part in place[:-1])
        return f"{f'{where}: ' if where else ''}the key {place[-1]!r} is missing"
    if kind == "string_pattern_mismatch":
        return f"{key}: the name {value!r} does not match {context['pattern']}"
    if kind == "literal_error":
        allowed = context["expected"].replace("'", "").replace(" or ", ", ")
        return f"{key}: is {value!r}; allowed: {allowed}{hint(value, allowed.split(', '))}"
    if kind == "value_error":
        return f"{key}: is {value!r}; {context['error']}"
    if kind == "too_short":
        return f"{key}: is {value!r}; allowed: at least {context['min_length']} entries"
    limits = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
    for name, words in limits.items():
        if name in context:
            return f"{key}: is {value!r}; allowed: {_range(place, words, context[name])}"
    wanted = error["msg"].removeprefix("Input should be ").partition(", unable")[0]
    return f"{key}: is {value!r}; allowed: {wanted}"


def _branch(part: object) -> bool:
    """Whether a part of an error's place is pydantic's name of a type, and no key."""
    return isinstance(part, str) and (
        part.startswith(("list[", "dict[", "constrained-", "function-", "nullable"))
        or part in ("[key]", "int", "float", "str")
    )


def _range(place: list[Any], words: str, limit: object) -> str:
    """Both limits of a number, where its field has both."""
    field = place[-1] if isinstance(place[-1], str) else place[-2] if len(place) > 1 else ""
    model = _model_at(place[: place.index(field)]) if field in place else Settings
    entry = model.model_fields.get(str(field))
    found: dict[str, Any] = {}
    for part in getattr(entry, "metadata", ()):
        found |= {key: getattr(part, key) for key in ("ge", "le") if hasattr(part, key)}
    if len(found) == 2:
        return f"{found['ge']}..{found['le']}"
    return f"{words} {limit}"


def _model_at(place: list[Any]) -> type[BaseModel]:
    """The model that describes the mapping at a place in the settings."""
    model: type[BaseModel] = Settings
    for part in place:
        field = model.model_fields.get(str(part))
        inner = _models(field.annotation) if field is not None else []
        model = inner[0] if inner else model
    return model


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in getattr(annotation, "__args__", ()) for model in _models(part)]


def plain(settings: Settings) -> Values:
    """The settings as plain mappings, defaults included."""
    return settings.model_dump(mode="json")
