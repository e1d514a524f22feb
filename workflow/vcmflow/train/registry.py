"""What can be trained. Light, so that planning can use it.

A trainee is two things: its settings (the entry's builder, whose parameters are its options) and
what learns: ``trainee(settings, files)`` gives a ``vcmflow.train.trainee.Trainee``, with data,
network and loss.
"""

from __future__ import annotations

from dataclasses import dataclass

from vcmflow.core.registry import Entry


@dataclass(frozen=True)
class TraineeEntry(Entry):
    """Something that learns.

    Attributes:
        trainee: ``"module:class"`` of what learns.
    """

    trainee: str = ""


_MODELS = "vcmflow.train.models"

TRAINEES: dict[str, TraineeEntry] = {
    "embedding": TraineeEntry(
        "vcmflow.train.embedding.settings:EmbeddingSettings",
        trainee="vcmflow.train.embedding.trainee:EmbeddingTrainee",
        gpu=True,
    ),
    "faster_rcnn_mini": TraineeEntry(
        f"{_MODELS}.settings:ModelSettings",
        trainee=f"{_MODELS}.faster_rcnn:FasterRcnnTrainee",
        gpu=True,
    ),
    "fst": TraineeEntry(
        "vcmflow.train.transvfc.settings:FstSettings",
        trainee="vcmflow.train.transvfc.fst:FstTrainee",
        gpu=True,
    ),
    "proxy_mini": TraineeEntry(
        f"{_MODELS}.settings:ModelSettings", trainee=f"{_MODELS}.proxy:ProxyTrainee", gpu=True
    ),
    "r2plus1d_mini": TraineeEntry(
        "vcmflow.train.action.settings:ActionSettings",
        trainee="vcmflow.train.action.trainee:ActionTrainee",
        gpu=True,
    ),
    "transvfc_mini": TraineeEntry(
        "vcmflow.train.transvfc.settings:TransVfcSettings",
        trainee="vcmflow.train.transvfc.trainee:TransVfcTrainee",
        gpu=True,
    ),
    "transvfc_r50": TraineeEntry(
        "vcmflow.train.transvfc.settings:TransVfcSettings",
        trainee="vcmflow.train.transvfc.trainee:R50Trainee",
        gpu=True,
    ),
    "vcs": TraineeEntry(
        "vcmflow.train.vcs.settings:VcsSettings",
        trainee="vcmflow.train.vcs.trainee:VcsTrainee",
        gpu=True,
    ),
    "yolact_mini": TraineeEntry(
        f"{_MODELS}.settings:ModelSettings", trainee=f"{_MODELS}.yolact:YolactTrainee", gpu=True
    ),
}
