"""What the ablation compares: samplers built on embeddings, and embeddings without one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vcmflow.core.registry import build
from vcmflow.plan.grid import Dataset, pretrain_options, sampler_instance, split_sampler
from vcmflow.plan.settings import Settings
from vcmflow.sample.registry import complete_options
from vcmflow.train.registry import TRAINEES

METHOD = "manifold"  # what follows an embedding that no sampler of the grid is built on


@dataclass(frozen=True)
class Variant:
    """One row of the ablation.

    Attributes:
        name: the sampler's name; the embedding's, where no sampler is built on it.
        embedding: name in ``embed.embeddings``.
        sampler: name in ``sample.samplers``; empty for none in the grid.
        method: the sampling method.
        options: of the method, all of them.
        differs: in words, what is other than in the proposed sampler.
    """

    name: str
    embedding: str
    sampler: str
    method: str
    options: Mapping[str, str]
    differs: str

    def describe(self) -> list[tuple[str, str]]:
        """What the row says of itself beside its names: (key, text), empty for nothing to say."""
        return [("sampler", self.sampler), ("differs", self.differs)]


def variants(settings: Settings, grid: Mapping[str, Dataset]) -> list[Variant]:
    """The samplers of the grid that are built on an embedding, and Fig. 8's other embeddings.

    Swept samplers are left out: they differ in the number of frames alone. The proposed sampler
    (``tables.test``) comes first; the rest as ``sample.use`` and ``figures.embeddings`` have them.
    """
    test = settings["tables"]["test"]
    used = dict.fromkeys(name for dataset in grid.values() for name in dataset.samplers)
    samplers = [
        name
        for name in sorted(used, key=lambda name: name != test)
        if split_sampler(name)[1] is None and sampler_instance(settings, name).needs == "embedding"
    ]
    found = []
    for name in samplers:
        embedding = settings["sample"]["samplers"][name]["embedding"]
        plan = sampler_instance(settings, name)
        found.append((name, embedding, name, plan.method, plan.options))
    with_sampler = {entry[1] for entry in found}
    for name in settings["figures"]["embeddings"]:
        if name not in with_sampler:
            found.append((name, name, "", METHOD, complete_options(METHOD, {})))
    return [Variant(*entry, _differs(settings, test, entry[1], entry[4])) for entry in found]


def _differs(settings: Settings, test: str, embedding: str, options: Mapping[str, str]) -> str:
    proposed = settings["sample"]["samplers"][test]
    if "embedding" not in proposed:
        return _described(settings, embedding)
    words = []
    ours, theirs = (settings["embed"]["embeddings"][e] for e in (embedding, proposed["embedding"]))
    if embedding != proposed["embedding"] and ours["embedder"] != theirs["embedder"]:
        words.append(_described(settings, embedding))
    elif embedding != proposed["embedding"]:
        words += _changes(_training(settings, theirs), _training(settings, ours))
        words += _changes(theirs.get("options") or {}, ours.get("options") or {})
        if ours.get("weights") != theirs.get("weights"):
            words.append(f"weights {ours.get('weights')}")
    words += _changes(sampler_instance(settings, test).options, options)
    return ", ".join(words)


def _described(settings: Settings, embedding: str) -> str:
    entry = settings["embed"]["embeddings"][embedding]
    options = [f"{key} {_word(value)}" for key, value in (entry.get("options") or {}).items()]
    return ", ".join([f"embedder {entry['embedder']}", *options])


def _training(settings: Settings, embedding: Mapping[str, Any]) -> Mapping[str, Any]:
    if embedding["embedder"] != "learned" or embedding.get("weights"):
        return {}
    return dict(
        vars(
            build(
                TRAINEES,
                "embedding",
                "trainee",
                pretrain_options(settings, embedding.get("pretraining")),
            )
        )
    )


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
