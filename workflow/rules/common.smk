# What all rules share: the resolved settings, the grid, and paths. Wiring only.
import json
import atexit
import os
import re
import shlex
import sys
from pathlib import Path
from types import SimpleNamespace

from snakemake.exceptions import WorkflowError

from vcmflow.data.catalogue import entry_for, read_catalogue
from vcmflow.data.registry import LOADERS
from vcmflow.data.objects import digest
from vcmrender.catalogue import CAMERA
from vcmrender.layout import SPEED_FILE, davis_speed_file
from vcmflow.encode.registry import CODECS, SUFFIXES
from vcmflow.embed.registry import EMBEDDINGS as EMBEDDERS
from vcmflow.core.errors import VcmflowError
from vcmflow.figures.registry import FIGURES as PAPER_FIGURES
from vcmflow.plan.code import modules
from vcmflow.plan.estimate import estimate, read_costs
from vcmflow.plan.grid import (
    build_grid,
    selection_file,
    pretrain_options,
    sampler_instance,
    split_sampler,
    weights_files,
    weights_table,
)
from vcmflow.core.machine import local_gpus
from vcmflow.plan.settings import load_settings
from vcmflow.plan.variants import variants
from vcmflow.reconstruct.registry import INTERPOLATORS
from vcmflow.sample.registry import SAMPLERS
from vcmflow.tables.registry import TABLES as PAPER_TABLES
from vcmflow.task.registry import DETECTORS, TASKS
from vcmflow.task.train.registry import TRAINEES

try:
    SETTINGS = load_settings(Path("params.yaml"), config)
    GRID = build_grid(SETTINGS)
    for key, path in weights_files(SETTINGS, GRID):
        if not path.is_file() and path.name not in weights_table(Path("data/weights.csv")):
            raise VcmflowError(
                f"params.yaml: {key}: {path} is not there; `python -m vcmflow weights --help` says "
                "how to get published weights, `snakemake --cores all models` trains the mini ones"
            )
except VcmflowError as error:
    raise WorkflowError(str(error)) from None

# Captions read the resolved settings, preset included.
config.clear()
config.update(SETTINGS)


envvars:
    "PATH",


# Jobs call `python`: the one that runs this workflow, also where its environment is not activated.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

RESULTS = f"results/{SETTINGS['preset']}"
DATA = f"data/{SETTINGS['preset']}"
STREAM = SUFFIXES[SETTINGS["encode"]["codec"]]
# Used with --software-deployment-method conda only.
ENVIRONMENT = "../../envs/vcmflow.yaml"
QPS = SETTINGS["encode"]["qps"]
# Jobs with a large network ask for one where this machine has one, and a profile says how many there
# are to share. A cluster's head node has none: there, the profile's set-resources ask for them.
GPUS = local_gpus()
MODELS = {name: entry for models in TASKS.values() for name, entry in models.items()}


wildcard_constraints:
    dataset="|".join(GRID),
    sequence="[A-Za-z0-9][A-Za-z0-9_.-]*",
    sampler="[a-z][a-z0-9_]*",
    swept="[a-z][a-z0-9_]*-n[0-9]+",
    mode="ra|ai",
    qp="[0-9]+",
    embedding="[a-z][a-z0-9_]*",
    variant="[a-z][a-z0-9_]*",
    part="[0-9]{3}",
