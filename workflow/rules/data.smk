# From a dataset, rendered, downloaded or already there, to sequences in the common form:
# vcmflow/data (and vcmrender for the mini data).
from vcmflow.data.catalogue import weights_table
from vcmflow.data.objects import digest
from vcmflow.plan.estimate import print_estimate

WEIGHTS = weights_table(Path("data/weights.csv"))
# What is rendered in the layout that a loader reads.
LAYOUTS = {"osdar23": "detection", "davis": "segmentation", "classes": "actions"}
RENDERED = [name for name, dataset in GRID.items() if dataset.settings.source == "render"]
SEQUENCE_TABLES = [f"{RESULTS}/{name}/frames/sequences.csv" for name in GRID]


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
        entry="|".join(PLAN.catalogue),
    retries: 2
    conda:
        ENVIRONMENT
    resources:
        **DEMAND.of("download"),
        downloads=1,
    params:
        folder=lambda wildcards: f"data/{PLAN.catalogue[wildcards.entry].folder}",
    shell:
        "python -m vcmflow stage download --name {wildcards.entry:q} --out {params.folder:q} 2> {log:q}"


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
        **DEMAND.of("fetch_weights"),
        downloads=1,
    params:
        name=lambda wildcards: WEIGHTS[wildcards.file],
    shell:
        "python -m vcmflow stage weights --name {params.name:q} --fetch --folder data/weights 2> {log:q}"


rule render_dataset:
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
    resources:
        **DEMAND.of("render_dataset"),
    params:
        code=version("vcmrender.__main__"),
        kind=lambda wildcards: LAYOUTS[GRID[wildcards.dataset].settings.loader],
        seed=SETTINGS.data.seed,
        width=SETTINGS.data.width,
        height=SETTINGS.data.height,
        length=PLAN.rendered_words,
        sequences=lambda wildcards: list(
            dict.fromkeys(spec.sequence for spec in GRID[wildcards.dataset].sequences.values())
        ),
    shell:
        "python -m vcmrender --kind {params.kind:q} --split test --out {output.folder:q}"
        " --seed {params.seed:q} --width {params.width:q} --height {params.height:q}"
        " --sequences {params.sequences:q} {params.length:q} --sums-out {output.sums:q} 2> {log:q}"


rule import_sequence:
    input:
        source=PLAN.dataset_source,
        folder=lambda wildcards: ancient(PLAN.rendered_folder(wildcards)),
    output:
        frames=f"{RESULTS}/{{dataset}}/frames/{{sequence}}/frames.mkv",
        truth=f"{RESULTS}/{{dataset}}/frames/{{sequence}}/truth.json",
        info=f"{RESULTS}/{{dataset}}/frames/{{sequence}}/sequence.json",
    log:
        f"{RESULTS}/logs/{{dataset}}/import_sequence/{{sequence}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/{{dataset}}/import_sequence/{{sequence}}.tsv"
    group:
        "frames"
    conda:
        ENVIRONMENT
    resources:
        **DEMAND.of("import_sequence"),
    params:
        code=PLAN.loader_code,
        sequence=lambda wildcards: GRID[wildcards.dataset].planned[wildcards.sequence].arguments(),
    shell:
        "python -m vcmflow stage import {params.sequence:q} --frames-out {output.frames:q}"
        " --truth-out {output.truth:q} --info-out {output.info:q} 2> {log:q}"


rule sequence_table:
    input:
        info=lambda wildcards: PLAN.imported(wildcards, "sequence.json"),
        frames=lambda wildcards: PLAN.imported(wildcards, "frames.mkv"),
        truth=lambda wildcards: PLAN.imported(wildcards, "truth.json"),
    output:
        f"{RESULTS}/{{dataset}}/frames/sequences.csv",
    log:
        f"{RESULTS}/logs/{{dataset}}/sequence_table.log",
    benchmark:
        f"{RESULTS}/benchmarks/{{dataset}}/sequence_table.tsv"
    conda:
        ENVIRONMENT
    resources:
        **DEMAND.of("sequence_table"),
    params:
        code=version("vcmflow.data.table"),
    shell:
        "python -m vcmflow stage sequences --info {input.info:q} --frames {input.frames:q}"
        " --truth {input.truth:q} --out {output:q} 2> {log:q}"


# Only on request: a plan made after it leaves sequences without objects out from the start. Were it
# part of every run, the second run would have another plan than the first.
rule select_sequences:
    input:
        info=lambda wildcards: PLAN.imported(wildcards, "sequence.json"),
        frames=lambda wildcards: PLAN.imported(wildcards, "frames.mkv"),
        truth=lambda wildcards: PLAN.imported(wildcards, "truth.json"),
    output:
        f"{RESULTS}/{{dataset}}/frames/selection.csv",
    log:
        f"{RESULTS}/logs/{{dataset}}/select_sequences.log",
    benchmark:
        f"{RESULTS}/benchmarks/{{dataset}}/select_sequences.tsv"
    conda:
        ENVIRONMENT
    resources:
        **DEMAND.of("select_sequences"),
    params:
        code=version("vcmflow.data.table"),
        settings=lambda wildcards: [
            digest(spec) for spec in GRID[wildcards.dataset].planned.values()
        ],
    shell:
        "python -m vcmflow stage sequences --info {input.info:q} --frames {input.frames:q}"
        " --truth {input.truth:q} --settings {params.settings:q} --selection-out {output:q}"
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
    atexit.register(print_estimate, workflow, PLAN, Path("data/weights.csv"))
