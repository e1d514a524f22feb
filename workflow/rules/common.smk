# What all rules share: the resolved settings, the grid, and the plan. Wiring only.
import atexit
import json
import os
import re
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

# The code of this checkout, for planning and for jobs, whichever one the environment knows.
WORKFLOW = str(Path(workflow.basedir) / "workflow")
if WORKFLOW not in sys.path[:1]:
    sys.path.insert(0, WORKFLOW)
os.environ["PYTHONPATH"] = os.pathsep.join(
    [WORKFLOW, *filter(None, [os.environ.get("PYTHONPATH")])]
)
# Jobs call `python`: the one that runs this workflow, also where its environment is not activated.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


envvars:
    "PATH",
    "PYTHONPATH",


from vcmflow.config.load import load_settings, plain
from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import record
from vcmflow.core.guard import lead_jobs
from vcmflow.core.machine import local_gpus
from vcmflow.data.catalogue import read_catalogue
from vcmflow.plan.check import check, check_weights, weights_files
from vcmflow.plan.code import leave_versions_out, version
from vcmflow.plan.grid import build_grid, selection_file
from vcmflow.plan.jobs import Plan, flag
from vcmflow.plan.products import Products, figure_code, table_code
from vcmflow.plan.demand import Demand
from vcmflow.plan.unlock import clear_after_kill

# A run that was killed leaves neither locks nor jobs behind.
lead_jobs()
if workflow.is_main_process:
    HELD = clear_after_kill()
else:
    leave_versions_out()

try:
    SETTINGS = load_settings(Path("params.yaml"), config)
    if workflow.is_main_process:
        check(SETTINGS)
    GRID = build_grid(SETTINGS)
    if workflow.is_main_process:
        check_weights(SETTINGS, GRID, Path("data/weights.csv"))
except VcmflowError as error:
    raise WorkflowError(str(error)) from None

# Jobs with a large network ask for a GPU where this machine has one, and a profile says how many
# there are to share. A cluster's head node has none: there, the profile's set-resources ask for them.
PLAN = Plan(SETTINGS, GRID, local_gpus(), read_catalogue(Path("data/datasets.csv")))
PRODUCTS = Products(PLAN)
# Memory and run time, for clusters.
DEMAND = Demand(PLAN)
PROBES = PRODUCTS.probes
RESULTS, DATA = PLAN.results, PLAN.data
# Used with --software-deployment-method conda only.
ENVIRONMENT = "../../envs/vcmflow.yaml"

# Captions read the resolved settings, preset included.
config.clear()
config.update(plain(SETTINGS))


wildcard_constraints:
    dataset="|".join(GRID),
    sequence="[A-Za-z0-9][A-Za-z0-9_.-]*",
    sampler="[a-z][a-z0-9_]*(-n[0-9]+)?",
    codec="[a-z][a-z0-9_]*",
    reconstructor="[a-z][a-z0-9_]*",
    point=r"[0-9]+(\.[0-9]+)?",
    embedding="[a-z][a-z0-9_]*",
    importance="[a-z][a-z0-9_]*",
    training="[a-z][a-z0-9_]*",
    variant="[a-z][a-z0-9_]*",
    task="[a-z][a-z0-9_]*",
    part="[0-9]{3}",
