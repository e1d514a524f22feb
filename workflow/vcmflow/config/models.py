"""The typed models of params.yaml: every key with its meaning, its range and its default.

The reference page (docs/parameters.md), the defaults and the checks all come from here. An
*instance* is a registered plug-in with its settings; what its model does not name goes to the
plug-in as an option, and is checked against the plug-in's own parameters in the plan.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

# Names become names of folders and files, with suffixes, of which most file systems take 255 bytes.
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]
SequenceName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=180)
]
Text = Annotated[str, StringConstraints(min_length=1)]
Point = int | float
KeepEvery = Annotated[int, Field(ge=1)]


def _different(values: list[Any]) -> list[Any]:
    if len(values) != len({str(value) for value in values}):
        raise ValueError("the entries have to differ from each other")
    return values


def _ascending(values: list[Any]) -> list[Any]:
    if values != sorted(values):
        raise ValueError("the entries have to be ascending")
    return values


Different = AfterValidator(_different)
Names = Annotated[list[Name], Different]
Ladder = Annotated[list[Point], Field(min_length=1), Different, AfterValidator(_ascending)]


class Section(BaseModel):
    """A mapping of params.yaml whose keys are all known."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _null(cls, values: Any) -> Any:
        """``--config`` hands nested values on as text, ``null`` too."""
        if not isinstance(values, dict):
            return values
        return {key: None if value == "null" else value for key, value in values.items()}


class Instance(Section):
    """A registered plug-in with its settings; keys that are not named here are its options."""

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)
    plugin_key: ClassVar[str] = ""

    @model_validator(mode="before")
    @classmethod
    def _types(cls, values: Any) -> Any:
        """Options that come as text from ``--config`` get the type that they look like."""
        if not isinstance(values, dict):
            return values
        return {
            key: _typed(value) if key not in cls.model_fields else value
            for key, value in values.items()
        }

    @property
    def plugin(self) -> str:
        """The plug-in's name in its registry."""
        return str(getattr(self, self.plugin_key))

    @property
    def options(self) -> dict[str, Any]:
        """The plug-in's options that are set."""
        return dict(self.model_extra or {})

    def job(self) -> str:
        """The plug-in and its options as a job's command line has them, in JSON."""
        return json.dumps({self.plugin_key: self.plugin, **self.options}, sort_keys=True)


def _typed(value: Any) -> Any:
    if isinstance(value, list):
        return [_typed(part) for part in value]
    if not isinstance(value, str):
        return value
    words = {"true": True, "false": False, "null": None}
    if value in words:
        return words[value]
    for number in (int, float):
        try:
            return number(value)
        except ValueError:
            continue
    return value


def _typed_options(options: dict[str, Any]) -> dict[str, Any]:
    return {key: _typed(value) for key, value in options.items()}


Options = Annotated[dict[str, Any], AfterValidator(_typed_options)]


class WeightedInstance(Instance):
    """An instance that may read a weights file."""

    weights: Text | None = Field(None, description="Weights file; null for one that needs none.")
    training: Name | None = Field(
        None, description="Which of `train.trainings` makes its weights; null for a weights file."
    )
    optional: bool = Field(
        False,
        description="Of a codec or a reconstructor: leave out the methods with it where its "
        "weights file is not there.",
    )


# --- data -----------------------------------------------------------------------------------------

Category = Literal["person", "bicycle", "car"]
LabelTable = dict[str, Category]


class Rendered(Section):
    """Sequences that the project renders, where they are to be of another length."""

    frames: Annotated[int, Field(ge=3)] = Field(description="Frames of each.")
    step: Annotated[float, Field(gt=0, le=10)] = Field(
        description="Mean scene time from one frame to the next in seconds."
    )


class NetworkInput(Section):
    """What a network of clips sees, where that is coded and not the whole video."""

    frames: Annotated[int, Field(ge=1)] = Field(description="Frames of a clip.")
    stride: Annotated[int, Field(ge=0)] = Field(
        description="Frames from one to the next; 0: spread over the whole video."
    )
    short_side: Annotated[int, Field(ge=16)] = Field(description="Frames are resized to it, px.")
    crop: Annotated[int, Field(ge=16)] = Field(description="Side of the square in the middle, px.")


class Dataset(Section):
    """A dataset of the grid. Keys that only one loader has say so."""

    title: str | None = Field(None, description="What tables and captions call it.")
    source: Literal["render", "download", "local"] = Field(
        "local",
        description="`render` (made by the project), `download` (a row of data/datasets.csv), or "
        "`local` (a folder, mount or link that is there and is used as it is).",
    )
    loader: Name = Field(
        description="Layout: osdar23, davis, mot17, or folder (own videos); with one label per "
        "clip ucf101, hmdb51, kinetics, or classes (a folder of videos for each class)."
    )
    path: Text = Field(description="Root folder of the dataset.")
    methods: Names = Field(min_length=1, description="The methods that it is coded with.")
    tasks: Names = Field(description="The tasks that run on it, any number; [] for rate and PSNR.")
    keep_every: KeepEvery = Field(
        description="Of n frames, m = floor(n / keep_every) + 1 are kept, at most n."
    )
    synthetic: bool = Field(False, description="Tables and captions say so where data are made.")
    sequences: Text | list[Text] | dict[Text, list[Text]] = Field(
        "auto",
        description="The sequences by their exact names: a list; for osdar23 a mapping from names "
        "to cameras, for clips with labels from classes to videos; `auto` for all that are on "
        "disk; for davis also `val` (known without the data) or another set in ImageSets.",
    )
    cameras: Annotated[list[Text], Field(min_length=1), Different] | None = Field(
        None, description="osdar23: cameras of every sequence; null for rgb_center."
    )
    exclude: Annotated[list[Text], Different] | None = Field(
        None, description="Ids of sequences to leave out."
    )
    require_objects: bool = Field(
        False,
        description="Leave sequences without any object that counts out of scores, tables and "
        "figures; after `snakemake selection`, out of the plan, too.",
    )
    rendered: Rendered | None = Field(
        None, description="Of rendered sequences: their length; null for what the catalogue says."
    )
    window: Annotated[int, Field(ge=1)] | None = Field(
        None, description="Cut longer sequences into windows of this many frames; null for none."
    )
    tail: Literal["drop", "keep"] = Field(
        "drop", description="What to do with the frames after the last whole window."
    )
    lengths: dict[str, Annotated[int, Field(ge=1)]] | None = Field(
        None, description="Frames of sequences, by name, for planning windows without the data."
    )
    frames: Annotated[int, Field(ge=1)] | None = Field(
        None, description="Take no more than this many frames of each sequence; null for all."
    )
    fps: Annotated[float, Field(gt=0)] | None = Field(
        None,
        description="Frames per second; null for what the dataset says. Folders of pictures need "
        "it.",
    )
    height: Annotated[int, Field(ge=16)] | None = Field(
        None, description="Working height in px, the width follows; null for the source's size."
    )
    gaps: Literal["error", "keep"] = Field(
        "error", description="A jump in the frame numbers: an error, or accepted."
    )
    classes: LabelTable | None = Field(
        None,
        description="osdar23, folder: label (or label:kind) -> class, the labels that count; null "
        "for person, bicycle and road_vehicle:car (osdar23) or person, bicycle, car (folder).",
    )
    crowd: LabelTable | None = Field(
        None,
        description="osdar23, folder: labels that stand for a crowd of a class; null for crowd: "
        "person and group_of_bicycles: bicycle (osdar23) or none.",
    )
    ignore: LabelTable | None = Field(
        None,
        description="osdar23, folder: labels that are neither hit nor miss for a class; null for "
        "road_vehicle: car, that is vans, trucks and the like (osdar23), or none.",
    )
    occlusion_max: Annotated[float, Field(ge=0, le=100)] | None = Field(
        100,
        description="osdar23: ignore objects hidden at least this much, percent; null to count "
        "all.",
    )
    min_size: Annotated[float, Field(ge=0)] | None = Field(
        None,
        description="osdar23, folder: ignore boxes whose square root of area is below this, px of "
        "the source; null for none.",
    )
    year: Literal[2016, 2017] | None = Field(
        None,
        description="davis: 2017 (object ids), 2016 (all objects merged), null to tell by the "
        "masks.",
    )
    resolution: Text | None = Field(
        None, description="davis: folder of frames and masks; null for 480p."
    )
    annotation_type: Literal["boxes", "masks", "none"] | None = Field(
        None,
        description="What the annotations hold, where the loader leaves a choice: boxes or none "
        "(osdar23, mot17), masks or none (davis), boxes or masks (folder); null for the first.",
    )
    annotations: Text | None = Field(
        None,
        description="folder: a COCO JSON file, or a folder with one per sequence; null for none: "
        "accuracy is then measured against what the task finds on the uncompressed frames.",
    )
    half: Literal["first", "second"] | None = Field(
        None, description="mot17: one half of the frames of every sequence; null for all."
    )
    split: Annotated[int, Field(ge=1, le=3)] | None = Field(
        None, description="ucf101, hmdb51: which of the three splits; null for 1."
    )
    subset: Literal["train", "val", "validate", "test"] | None = Field(
        None,
        description="ucf101, hmdb51: train or test, null for test; kinetics: which table, null for "
        "val.",
    )
    network_input: NetworkInput | None = Field(
        None,
        description="Clips with labels: sample and resize before coding, so that what the network "
        "sees is coded; null: whole videos, of which the model samples.",
    )


class Warps(Section):
    """Longer rendered sequences whose content speed is known, embedded and sampled, not coded."""

    sequences: Annotated[list[SequenceName], Field(min_length=1), Different] = Field(
        description="Names of rendered railway sequences."
    )
    frames: Annotated[int, Field(ge=3)] = Field(description="Frames of each.")
    step: Annotated[float, Field(gt=0, le=10)] = Field(
        description="Mean scene time from one frame to the next in seconds."
    )
    keep_every: KeepEvery = Field(description="As of a dataset.")


class Data(Section):
    """What the experiment runs on."""

    use: Names = Field(
        ["railway", "davis"], min_length=1, description="The datasets to run on, by name."
    )
    seed: Annotated[int, Field(ge=0)] = Field(
        20260548, description="Seed of everything that the renderer draws."
    )
    width: Annotated[int, Field(ge=64, le=4112)] = Field(
        416, description="Width of rendered frames in px."
    )
    height: Annotated[int, Field(ge=64, le=2504)] = Field(
        240, description="Height of rendered frames in px."
    )
    datasets: dict[Name, Dataset] = Field(description="The datasets that exist, by name.")
    warps: Warps | None = Field(
        None,
        description="Longer rendered sequences for the table `ablation` and Fig. 8; null for none: "
        "the datasets' own sequences are measured then.",
    )


# --- what learns ----------------------------------------------------------------------------------


class Training(Instance):
    """One training: a trainee with its settings."""

    plugin_key: ClassVar[str] = "trainee"
    trainee: Name = Field(description="Name in the registry of trainees.")
    videos: Text | None = Field(
        None,
        description="A folder of videos (any depth; labels are never read), or `render` for videos "
        "that the project renders itself; null for a trainee that renders what it learns from.",
    )
    initial_weights: Text | None = Field(
        None, description="Weights file to start from; null for random values."
    )


class Train(Section):
    """Everything that learns, by name: its weights are results/<preset>/train/<name>."""

    rendered: Annotated[int, Field(ge=4)] = Field(
        40, description="How many videos to render for `videos: render`."
    )
    rendered_frames: Annotated[int, Field(ge=2)] = Field(24, description="Frames of each.")
    trainings: dict[Name, Training] = Field(
        description="Trainings by name. An instance asks for one with `training`; those that "
        "nothing asks for are not run. `make models` runs those of the mini models."
    )


class Embedding(WeightedInstance):
    """An embedding of frames: an embedder with its settings."""

    plugin_key: ClassVar[str] = "embedder"
    embedder: Name = Field(description="Name in the registry of embedders.")


class Embed(Section):
    """Embeddings of frames."""

    embeddings: dict[Name, Embedding] = Field(
        description="Embeddings by name; samplers and Fig. 8 refer to them."
    )


class Detector(WeightedInstance):
    """What finds the objects that are tracked."""

    plugin_key: ClassVar[str] = "detector"
    detector: Name = Field(description="Name in the registry of detectors.")


class Tracker(Instance):
    """What follows objects from frame to frame."""

    plugin_key: ClassVar[str] = "tracker"
    tracker: Name = Field(description="Name in the registry of trackers.")


class Track(Section):
    """Detector and tracker of the paper's standard method."""

    detector: Detector
    tracker: Tracker


class ImportanceMap(WeightedInstance):
    """An importance map with its settings."""

    plugin_key: ClassVar[str] = "map"
    map: Name = Field(description="Name in the registry of importance maps.")


class Importance(Section):
    """How much every block of a frame matters to machines."""

    maps: dict[Name, ImportanceMap] = Field(
        {}, description="Importance maps by name; codecs refer to them."
    )


# --- methods --------------------------------------------------------------------------------------


class Sampler(Instance):
    """A way to choose the frames that are kept."""

    plugin_key: ClassVar[str] = "sampler"
    sampler: Name = Field(description="Name in the registry of samplers.")
    title: str | None = Field(None, description="What figures call it; null for its name.")
    embedding: Name | None = Field(
        None, description="Name of the embedding, for samplers that need one."
    )
    choices: Name | None = Field(
        None,
        description="Name of the task by which choices are tried, for samplers that need them.",
    )
    keep_every: KeepEvery | None = Field(
        None, description="Its own share of kept frames; null for the dataset's."
    )


class Sweep(Section):
    """Further shares of kept frames, for the figure of task accuracy against m."""

    dataset: Name = Field(description="The dataset.")
    methods: Names = Field(min_length=1, description="The methods that are swept.")
    keep_every: Annotated[list[KeepEvery], Different] = Field(description="The shares.")
    points: Ladder | None = Field(
        None, description="Operating points, of the ladders of the methods' codecs; null for all."
    )


class Sample(Section):
    """Which frames are kept."""

    samplers: dict[Name, Sampler] = Field(
        description="Samplers by name; a plug-in may stand here several times with different "
        "options."
    )
    sweep: Sweep | None = Field(
        None,
        description="Further shares of kept frames: every method once more per share, as "
        "`<method>-n<keep_every>`; null for none.",
    )


class Bounds(Section):
    """Choices of frames that are tried without coding, for bounds of what choosing can gain."""

    reconstructor: Name = Field("interpolation", description="What rebuilds the dropped frames.")
    limit: Annotated[int, Field(ge=1)] = Field(
        500,
        description="Where there are more choices, so many are drawn, and the best is improved by "
        "exchanging frames.",
    )
    seed: Annotated[int, Field(ge=0)] = Field(0, description="Of the draw.")


class Codec(WeightedInstance):
    """A codec with its settings; coding structures are options of it."""

    plugin_key: ClassVar[str] = "codec"
    codec: Name = Field(description="Name in the registry of codecs.")
    title: str | None = Field(None, description="What captions call it; null for its name.")
    short: str | None = Field(None, description="The same where there is little room.")
    point: str = Field("QP", description="What its operating points are called.")
    ladder: Ladder | None = Field(
        None, description="Its operating points, ascending; null for those of `encode.ladder`."
    )
    embedding: Name | None = Field(
        None, description="Name of the embedding, for codecs that need one."
    )
    importance: Name | None = Field(
        None, description="Name of the importance map, for codecs that need one."
    )


class Encode(Section):
    """Coding of the kept frames."""

    ladder: Ladder = Field(
        [22, 27, 32, 37, 42, 47],
        description="Operating points (QP) of the codecs that have no ladder of their own.",
    )
    intra_in: Literal["time", "pictures"] = Field(
        "time",
        description="What a codec's intra period counts: frames of the original video, so that all "
        "samplings have entry points as often in time, or coded pictures.",
    )
    codecs: dict[Name, Codec] = Field(description="Codecs by name.")


class Reconstructor(WeightedInstance):
    """A way to rebuild the frames that were dropped."""

    plugin_key: ClassVar[str] = "reconstructor"
    reconstructor: Name = Field(description="Name in the registry of reconstructors.")
    title: str | None = Field(None, description="What figures call it; null for its name.")


class Reconstruct(Section):
    """Rebuilding of the frames that were dropped."""

    reconstructors: dict[Name, Reconstructor] = Field(description="Reconstructors by name.")


class Method(Section):
    """A chain: what chooses frames, what codes them, what rebuilds the rest."""

    sampler: Name = Field(description="One of `sample.samplers`.")
    codec: Name = Field(description="One of `encode.codecs`.")
    reconstructor: Name = Field(description="One of `reconstruct.reconstructors`.")
    title: str | None = Field(None, description="What captions call it; null for its name.")


class Task(WeightedInstance):
    """A vision task: its kind, and the model that does it."""

    plugin_key: ClassVar[str] = "model"
    kind: Name = Field(description="What is asked: detection, segmentation, ...")
    model: Name = Field(description="Name in the registry of the kind's models.")
    transfers: dict[Text, Text] | None = Field(
        None,
        description="Space of features that codecs give and the model cannot go on from -> weights "
        "file of a transfer (FST) to one that it can; null for none.",
    )


class Tasks(Section):
    """Vision tasks on the reconstructed frames."""

    sequences_per_job: Annotated[int, Field(ge=1)] = Field(
        12,
        description="How many sequences share one loaded model: in tasks, embeddings and tracks. "
        "If one of them fails, the others of its batch wait for it; 1 where sequences are long.",
    )
    tasks: dict[Name, Task] = Field(description="Tasks by name; datasets refer to them.")


# --- products -------------------------------------------------------------------------------------


class Score(Section):
    """Scores."""

    interpolation: Literal["pchip", "akima", "cubic"] = Field(
        "pchip", description="Curve fit of the BD metrics."
    )
    evaluators: dict[Name, Options] = Field(
        {}, description="Options of evaluators, by evaluator; those not named keep their defaults."
    )


class Tables(Section):
    """What the tables compare. Tables that the grid cannot fill are left out."""

    detection: Name | None = Field(
        None, description="Dataset of Tables 3, 4, 5 and 7; null for the first with detection."
    )
    segmentation: Name | None = Field(
        None, description="Dataset of Table 6; null for the first with segmentation."
    )
    anchor: Name = Field("uniform", description="Method that the others are measured against.")
    test: Name = Field("manifold", description="The proposed method.")
    standard: Name = Field("tracking", description="The paper's standard method.")
    all_intra: Name | None = Field(
        "vvenc_ai",
        description="Codec of Table 4 and Fig. 5, in place of that of the methods above; null for "
        "neither.",
    )
    whole: Name | None = Field(
        "all",
        description="Method that codes every frame: the tables `against_all` and the frontier "
        "measure the others with its codec and reconstructor against it; null for neither.",
    )
    compare: Name | None = Field(
        None,
        description="Method that the table and the figure `compare` measure every other method "
        "against; null for neither.",
    )
    importance: Name | None = Field(
        None,
        description="Codec without an importance map that the table and the figure `importance` "
        "measure those with one against, sampling by sampling; null for neither.",
    )
    min_map: Annotated[float, Field(ge=0, le=1)] | None = Field(
        0.40, description="Check: least mAP on uncompressed frames; null for no check."
    )
    min_jaccard: Annotated[float, Field(ge=0, le=1)] | None = Field(
        0.55, description="Check: least mean Jaccard on uncompressed frames; null for no check."
    )
    paper_values: bool = Field(False, description="Set the paper's values beside ours.")


class Figures(Section):
    """What the figures show."""

    shown_point: Point = Field(
        37, description="Operating point of the frames in Figs. 6 and 7, of the anchor's ladder."
    )
    detection_sequence: SequenceName | None = Field(
        None, description="Sequence of Fig. 6; null for the first."
    )
    segmentation_sequence: SequenceName | None = Field(
        None, description="Sequence of Fig. 7; null for the first."
    )
    embeddings: Annotated[list[Name], Field(min_length=2), Different] = Field(
        ["random", "frozen", "learned"],
        description="Fig. 8: the embeddings, in the order of its columns; the paper has two, "
        "ImageNet's and the learned one.",
    )
    embedding_sequences: Annotated[list[SequenceName], Different] | None = Field(
        None, description="Sequences of Fig. 8; null for the first three."
    )


class Settings(Section):
    """params.yaml with a preset and the command line laid over it."""

    preset: Name = Field(
        "mini", description="Which overlay of workflow/presets lies over this file."
    )
    data: Data
    train: Train
    embed: Embed
    importance: Importance = Importance()
    bounds: Bounds = Bounds()
    track: Track
    sample: Sample
    encode: Encode
    reconstruct: Reconstruct
    methods: dict[Name, Method] = Field(
        min_length=1, description="Methods by name; a dataset says which of them it is coded with."
    )
    task: Tasks
    score: Score
    tables: Tables
    figures: Figures
