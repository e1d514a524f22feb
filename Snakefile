# Rebuilds every table and figure; see README.md. Parameters: params.yaml and workflow/presets.
from snakemake.utils import min_version

min_version("9.27")


configfile: "params.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/embed.smk"
include: "workflow/rules/importance.smk"
include: "workflow/rules/track.smk"
include: "workflow/rules/bounds.smk"
include: "workflow/rules/sample.smk"
include: "workflow/rules/encode.smk"
include: "workflow/rules/reconstruct.smk"
include: "workflow/rules/task.smk"
include: "workflow/rules/score.smk"
include: "workflow/rules/trajectory.smk"
include: "workflow/rules/complexity.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/metrics.smk"
include: "workflow/rules/provenance.smk"


report: "workflow/report/workflow.rst"


localrules:
    all,
    tables,
    figures,
    models,
    ablation,
    compare,
    importance,
    bounds,


rule all:
    default_target: True
    input:
        TABLES,
        FIGURES,
        SEQUENCE_TABLES,
        METRICS.values(),
        PROVENANCE,


rule tables:
    input:
        TABLES,


rule figures:
    input:
        FIGURES,


rule ablation:
    input:
        [file for file in TABLES + FIGURES if Path(file).stem in ("ablation", "fig8")],


rule compare:
    input:
        [file for file in TABLES + FIGURES if Path(file).stem == "compare"],


rule importance:
    input:
        [file for file in TABLES + FIGURES if Path(file).stem == "importance"],


rule bounds:
    input:
        [file for file in TABLES if Path(file).stem.startswith(("bounds_", "against_all_"))],


rule models:
    input:
        [PLAN.training_file(name) for name, entry in TRAININGS.items() if entry.videos is None],
