"""What the ablation compares: samplers built on embeddings, and embeddings without one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vcmflow.config.models import Embedding, Sampler, Settings
from vcmflow.core.registry import parameters
from vcmflow.plan.grid import Dataset, sampler_of
from vcmflow.sample.registry import GIVEN, SAMPLERS

SAMPLER = "manifold"  # what follows an embedding that no sampler of the grid is built on


@dataclass(frozen=True)
class Variant:
    """One row of the ablation.

    Attributes:
        name: the method's name; the embedding's, where no sampler is built on it.
        embedding: name in ``embed.embeddings``.
        method: the method with the sampler; empty for none in the grid.
        sampler: name in the registry of samplers.
        options: of the sampler, all of them.
        differs: in words, what is other than in the proposed method.
    """

    name: str
    embedding: str
    method: str
    sampler: str
    options: Mapping[str, Any]
    differs: str


def variants(settings: Settings, grid: Mapping[str, Dataset]) -> list[Variant]:
    """The methods whose samplers are built on an embedding, and Fig. 8's other embeddings.

    Of methods that share a sampler the first stands for all, and swept ones are left out: they
    differ in the number of frames alone. The proposed method (``tables.test``) comes first; the
    rest as the datasets and ``figures.embeddings`` have them.
    """
    test = settings.tables.test
    methods = {
        method.sampler: method
        for dataset in reversed(list(grid.values()))
        for method in reversed(list(dataset.methods.values()))
        if method.swept is None
    }
    order = list(dict.fromkeys(m.sampler for d in grid.values() for m in d.methods.values()))
    used = [methods[name] for name in order if name in methods]
    found = []
    for method in sorted(used, key=lambda method: method.name != test):
        instance = sampler_of(settings, method.sampler)
        if instance.embedding is not None:
            found.append((method.name, instance.embedding, method.name, instance.sampler, instance))
    with_sampler = {entry[1] for entry in found}
    bare = Sampler(sampler=SAMPLER)
    for name in settings.figures.embeddings:
        if name not in with_sampler:
            found.append((name, name, "", SAMPLER, bare))
    return [
        Variant(name, embedding, method, plugin, full, _differs(settings, embedding, full))
        for name, embedding, method, plugin, instance in found
        for full in [sampler_options(instance)]
    ]


def sampler_options(instance: Sampler) -> dict[str, Any]:
    """All options of a sampler instance, the defaults of those left out included."""
    entry = SAMPLERS[instance.sampler]
    given = {*GIVEN, *entry.needs}
    defaults = {key: value for key, value in parameters(entry.builder).items() if key not in given}
    return dict(sorted({**defaults, **instance.options}.items()))


def _differs(settings: Settings, embedding: str, options: Mapping[str, Any]) -> str:
    proposed = sampler_of(settings, settings.methods[settings.tables.test].sampler)
    if proposed.embedding is None:
        return _described(settings, embedding)
    words = []
    ours = settings.embed.embeddings[embedding]
    theirs = settings.embed.embeddings[proposed.embedding]
    if embedding != proposed.embedding and ours.embedder != theirs.embedder:
        words.append(_described(settings, embedding))
    elif embedding != proposed.embedding:
        words += _changes(_training(settings, theirs), _training(settings, ours))
        words += _changes(theirs.options, ours.options)
        if ours.weights != theirs.weights:
            words.append(f"weights {ours.weights}")
    words += _changes(sampler_options(proposed), options)
    return ", ".join(words)


def _described(settings: Settings, embedding: str) -> str:
    entry = settings.embed.embeddings[embedding]
    options = [f"{key} {_word(value)}" for key, value in entry.options.items()]
    return ", ".join([f"embedder {entry.embedder}", *options])


def _training(settings: Settings, embedding: Embedding) -> Mapping[str, Any]:
    if embedding.training is None:
        return {}
    return settings.train.trainings[embedding.training].options


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    return [
        f"{key} {_word(after.get(key))}"
        for key in dict.fromkeys((*before, *after))
        if before.get(key) != after.get(key)
    ]


def _word(value: object) -> str:
    if value is None:
        return "default"
    return ("on" if value else "off") if isinstance(value, bool) else str(value)
