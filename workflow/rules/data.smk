# From a dataset, rendered, downloaded or already there, to sequences in the common form:
# vcmflow/data (and vcmrender for the mini data).
from vcmflow.data.catalogue import entry_for, read_catalogue, weights_table
from vcmflow.data.objects import digest
from vcmflow.plan.estimate import estimate, read_costs

CATALOGUE = read_catalogue(Path("data/datasets.csv"))
WEIGHTS = weights_table(Path("data/weights.csv"))
# What is rendered in the layout that a loader reads.
LAYOUTS = {"osdar23": "detection", "davis": "segmentation"}
RENDERED = [name for name, dataset in GRID.items() if dataset.settings.source == "render"]
SEQUENCE_TABLES = [f"{RESULTS}/{name}/frames/sequences.csv" for name in GRID]


def imported(file):
    """A file of every sequence of a dataset, those included that are not coded."""
    return lambda wildcards: [
        f"{RESULTS}/{wildcards.dataset}/frames/{sequence}/{file}"
        for sequence in GRID[wildcards.dataset].planned
    ]


def dataset_source(wildcards):
    """What an import depends on: checksums of rendered files, the stamp of a download, or files."""
    dataset = GRID[wildcards.dataset]
    inputs = dataset.planned[wildcards.sequence].inputs
    if dataset.settings.source == "render":
        return f"{DATA}/{wildcards.dataset}.sha256"
    entry = entry_for(CATALOGUE, inputs[0])
    if dataset.settings.source == "download" and entry is not None:
        return f"data/downloads/{entry.name}"
    # A folder outside the table of downloads, a mount for instance, is used as it is.
    return inputs


def dataset_folder(wildcards):
    """The folder of a rendered dataset, so that it is rendered again if someone removes it."""
    return ancient(f"{DATA}/{wildcards.dataset}") if wildcards.dataset in RENDERED else []


def print_estimate(workflow):
    """What the planned jobs of a dry run cost; called at its end, when the jobs are known."""
    if not workflow.dryrun or getattr(workflow, "dag", None) is None:
        return
    planned = workflow.dag.needrun_jobs(exclude_finished=False)
    jobs = [(job.rule.name, dict(job.wildcards_dict)) for job in planned]
    entries = read_catalogue(Path("data/weights.csv"))
    published = {file: entries[name] for file, name in WEIGHTS.items()}
    found = estimate(jobs, PLAN, CATALOGUE, published, read_costs())
    print("", *found.lines(), sep="\n", file=sys.stderr)


# A stamp, and not the folder, is the output: Snakemake removes outputs before it runs a rule again,
# and a download that is there is kept.
rule download:
    output:
        touch("data/downloads/{entry}"),
    log:
        "data/downloads/{entry}.log",
    benchmark:
        "data/downloads/{entry}.tsv"
    wildcard_constraints:
        entry="|".join(CATALOGUE),
    retries: 2
    conda:
        ENVIRONMENT
    resources:
        downloads=1,
    params:
        folder=lambda wildcards: f"data/{CATALOGUE[wildcards.entry].folder}",
    shell:
        "python -m vcmflow download --name {wildcards.entry} --out {params.folder:q} 2> {log:q}"


rule fetch_weights:
    output:
        "data/weights/{file}",
    log:
        "data/weights/{file}.log",
    benchmark:
        "data/weights/{file}.tsv"
    wildcard_constraints:
        file="|".join(re.escape(file) for file in WEIGHTS),
    retries: 2
    conda:
        ENVIRONMENT
    resources:
        downloads=1,
    params:
        name=lambda wildcards: WEIGHTS[wildcards.file],
    shell:
        "python -m vcmflow weights --name {params.name} --fetch --folder data/weights 2> {log:q}"


rule render_dataset:
    input:
        code=modules("vcmrender.__main__"),
    output:
        folder=directory(f"{DATA}/{{dataset}}"),
        sums=f"{DATA}/{{dataset}}.sha256",
    log:
        f"{RESULTS}/logs/{{dataset}}/render_dataset.log",
    benchmark:
        f"{RESULTS}/benchmarks/{{dataset}}/render_dataset.tsv"
    wildcard_constraints:
        dataset="|".join(RENDERED) or "none",
    conda:
        ENVIRONMENT
    params:
        kind=lambda wildcards: LAYOUTS[GRID[wildcards.dataset].settings.loader],
        seed=SETTINGS.data.seed,
        width=SETTINGS.data.width,
        height=SETTINGS.data.height,
        sequences=lambda wildcards: list(
            dict.fromkeys(spec.sequence for spec in GRID[wildcards.dataset].sequences.values())
        ),
    shell:
        "python -m vcmrender --kind {params.kind} --split test --out {output.folder:q}"
        " --seed {params.seed} --width {params.width} --height {params.height}"
        " --sequences {params.sequences:q} --sums-out {output.sums:q} 2> {log:q}"


rule import_sequence:
    input:
        source=dataset_source,
        folder=dataset_folder,
        code=PLAN.loader_code,
    output:
        frames=f"{RESULTS}/{{dataset}}/frames/{{sequence}}/frames.mkv",
        truth=f"{RESULTS}/{{dataset}}/frames/{{sequence}}/truth.json",
        info=f"{RESULTS}/{{dataset}}/frames/{{sequence}}/sequence.json",
    log:
        f"{RESULTS}/logs/{{dataset}}/import_sequence/{{sequence}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/{{dataset}}/import_sequence/{{sequence}}.tsv"
    conda:
        ENVIRONMENT
    params:
        sequence=lambda wildcards: GRID[wildcards.dataset].planned[wildcards.sequence].arguments(),
    shell:
        "python -m vcmflow import {params.sequence:q} --frames-out {output.frames:q}"
        " --truth-out {output.truth:q} --info-out {output.info:q} 2> {log:q}"


rule sequence_table:
    input:
        info=imported("sequence.json"),
        frames=imported("frames.mkv"),
        truth=imported("truth.json"),
        code=modules("vcmflow.data.table"),
    output:
        f"{RESULTS}/{{dataset}}/frames/sequences.csv",
    log:
        f"{RESULTS}/logs/{{dataset}}/sequence_table.log",
    benchmark:
        f"{RESULTS}/benchmarks/{{dataset}}/sequence_table.tsv"
    conda:
        ENVIRONMENT
    shell:
        "python -m vcmflow sequences --info {input.info:q} --frames {input.frames:q}"
        " --truth {input.truth:q} --out {output:q} 2> {log:q}"


# Only on request: a plan made after it leaves sequences without objects out from the start. Were it
# part of every run, the second run would have another plan than the first.
rule select_sequences:
    input:
        info=imported("sequence.json"),
        frames=imported("frames.mkv"),
        truth=imported("truth.json"),
        code=modules("vcmflow.data.table"),
    output:
        f"{RESULTS}/{{dataset}}/frames/selection.csv",
    log:
        f"{RESULTS}/logs/{{dataset}}/select_sequences.log",
    benchmark:
        f"{RESULTS}/benchmarks/{{dataset}}/select_sequences.tsv"
    conda:
        ENVIRONMENT
    params:
        settings=lambda wildcards: [
            digest(spec) for spec in GRID[wildcards.dataset].planned.values()
        ],
    shell:
        "python -m vcmflow sequences --info {input.info:q} --frames {input.frames:q}"
        " --truth {input.truth:q} --settings {params.settings} --selection-out {output:q}"
        " 2> {log:q}"


localrules:
    selection,


rule selection:
    input:
        [
            selection_file(SETTINGS.preset, name)
            for name, dataset in GRID.items()
            if dataset.settings.require_objects
        ],


# A dry run of a plan that downloads ends with what it would cost; other runs print nothing.
if workflow.is_main_process and any(
    dataset.settings.source == "download" for dataset in GRID.values()
):
    atexit.register(print_estimate, workflow)
