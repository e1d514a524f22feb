"""Parameters: params.yaml, a preset over it, the command line over both, and one schema for all.

Every problem is one line that names the key, its value and what is allowed, before any job starts.
"""

from __future__ import annotations

import copy
import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import yaml
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from vcmflow.core.errors import VcmflowError

WORKFLOW = Path(__file__).resolve().parents[2]
SCHEMA = WORKFLOW / "schemas" / "params.schema.yaml"
DATASET_SCHEMA = WORKFLOW / "schemas" / "dataset.schema.yaml"
PRESETS = WORKFLOW / "presets"

Settings = dict[str, Any]


def read_yaml(path: Path) -> Settings:
    """Read a YAML mapping.

    Raises:
        VcmflowError: the file is missing, is not YAML, or is not a mapping.
    """
    try:
        value = yaml.safe_load(path.read_text("utf-8"))
    except FileNotFoundError:
        raise VcmflowError(f"{path}: no such file") from None
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise VcmflowError(f"{path}: not a YAML file ({' '.join(str(error).split())})") from None
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise VcmflowError(f"{path}: the top level is {type(value).__name__}, not a mapping")
    return value


def overlay(base: Mapping[str, Any], over: Mapping[str, Any]) -> Settings:
    """Lay ``over`` upon ``base``: mappings merge key by key, everything else replaces."""
    merged = copy.deepcopy(dict(base))
    for key, value in over.items():
        if isinstance(value, Mapping) and isinstance(merged.get(key), Mapping):
            merged[key] = overlay(merged[key], value)
        else:
            merged[key] = copy.deepcopy(value)
    return merged


def difference(base: Mapping[str, Any], changed: Mapping[str, Any]) -> Settings:
    """The overlay that turns ``base`` into ``changed`` (keys are never removed)."""
    result: Settings = {}
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


def schema() -> Settings:
    """The schema of the parameters, which is also where their defaults and meanings stand."""
    return read_yaml(SCHEMA)


def load_settings(params: Path, config: Mapping[str, Any] | None = None) -> Settings:
    """The resolved, validated settings of a run.

    Args:
        params: params.yaml.
        config: what Snakemake made of params.yaml, ``--configfile`` and ``--config``; what differs
            from params.yaml in it was given on the command line and wins over the preset.

    Raises:
        VcmflowError: unknown preset or key, wrong type or range, or values that contradict each
            other; one line.
    """
    base = read_yaml(params)
    rules = schema()
    given = typed(difference(base, config or {}), rules, rules)
    merged = overlay(base, given)
    preset = merged.get("preset")
    if preset not in presets():
        raise VcmflowError(
            f"params.yaml: preset is {preset!r}; allowed: {', '.join(presets())}{_hint(preset)}"
        )
    settings = overlay(overlay(base, read_yaml(PRESETS / f"{preset}.yaml")), given)
    validate(settings, rules)
    return settings


def typed(value: Any, rules: Mapping[str, Any], root: Mapping[str, Any]) -> Any:
    """Give the values of ``--config`` their types back.

    Snakemake hands nested values on as text (``encode={qps: [27, 42]}`` becomes ``['27', '42']``).
    What the schema does not want as text is read as YAML.

    Args:
        value: as Snakemake has it.
        rules: the part of the schema that is about it.
        root: the file of the schema that ``rules`` stand in, for references within it.
    """
    if "$ref" in rules:
        file, _, place = rules["$ref"].partition("#")
        root = read_yaml(SCHEMA.parent / file) if file else root
        rules = root
        for part in filter(None, place.split("/")):
            rules = rules[part]
    if isinstance(value, Mapping):
        inner = rules.get("properties", {})
        rest = rules.get("additionalProperties")
        other = rest if isinstance(rest, Mapping) else {}
        return {key: typed(part, inner.get(key, other), root) for key, part in value.items()}
    if isinstance(value, list):
        return [typed(part, rules.get("items", {}), root) for part in value]
    kinds = rules.get("type", [])
    wants_text = "string" in ([kinds] if isinstance(kinds, str) else kinds)
    if not isinstance(value, str) or not value or (wants_text and value != "null"):
        return value
    try:
        return yaml.safe_load(value)
    except yaml.YAMLError:
        return value


def validate(settings: Mapping[str, Any], rules: Mapping[str, Any]) -> None:
    """Check settings against a schema.

    Raises:
        VcmflowError: the first problem found, as one line.
    """
    dataset = Resource.from_contents(read_yaml(DATASET_SCHEMA), DRAFT202012)
    registry: Registry[Any] = Registry().with_resource(DATASET_SCHEMA.name, dataset)
    validator = jsonschema.Draft202012Validator(rules, registry=registry)
    errors = list(validator.iter_errors(settings))
    if errors:
        # The shallowest problem is the one that the user made; deeper ones often follow from it.
        error = min(_leaves(errors), key=lambda e: (len(e.absolute_path), str(e.absolute_path)))
        raise VcmflowError(f"params.yaml: {_explain(error)}")


def _leaves(
    errors: list[jsonschema.ValidationError],
) -> Iterator[jsonschema.ValidationError]:
    for error in errors:
        if error.context:
            yield from _leaves(list(error.context))
        else:
            yield error


def _explain(error: Any) -> str:  # the stubs know less of an error than it carries
    key = ".".join(str(part) for part in error.absolute_path)
    name = f"{key}: " if key else ""
    rule = error.validator_value
    if error.validator == "additionalProperties":
        allowed = sorted(error.schema.get("properties", {}))
        unknown = sorted(set(error.instance) - set(allowed), key=str)[0]
        return (
            f"{name}unknown key {unknown!r}; allowed: {', '.join(allowed)}{_hint(unknown, allowed)}"
        )
    if error.validator == "propertyNames" or (
        error.validator == "pattern" and error.parent is not None
    ):
        return f"{name}the name {error.instance!r} does not match {rule}"
    value = f"is {error.instance!r}"
    if error.validator in ("enum", "const"):
        allowed = [str(v) for v in rule] if error.validator == "enum" else [str(rule)]
        return f"{name}{value}; allowed: {', '.join(allowed)}{_hint(error.instance, allowed)}"
    if error.validator in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
        return f"{name}{value}; allowed: {_range(error.schema)}"
    if error.validator == "type":
        allowed = rule if isinstance(rule, list) else [rule]  # of JSON's types
        return f"{name}{value}; allowed: {' or '.join(allowed)}"
    if error.validator == "required":
        missing = error.message.split("'")[1]
        return f"{name}the key {missing!r} is missing"
    if error.validator == "uniqueItems":
        return f"{name}{value}; the entries have to differ from each other"
    if error.validator in ("minItems", "minProperties"):
        return f"{name}{value}; allowed: at least {rule} entries"
    return f"{name}{error.message}"


def _range(rules: Mapping[str, Any]) -> str:
    low = rules.get("minimum")
    high = rules.get("maximum")
    above = rules.get("exclusiveMinimum")
    if low is not None and high is not None:
        return f"{low}..{high}"
    if low is not None:
        return f"at least {low}"
    if above is not None:
        return f"above {above}" + (f", at most {high}" if high is not None else "")
    return f"at most {high}" if high is not None else f"below {rules.get('exclusiveMaximum')}"


def _hint(value: object, allowed: list[str] | None = None) -> str:
    close = difflib.get_close_matches(str(value), presets() if allowed is None else allowed, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
