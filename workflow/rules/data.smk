# From a data set, rendered, downloaded or already there, to sequences in the common form:
# vcmflow/data (and vcmflow/data/render for the mini data).
def dataset_source(wildcards):
    """What an import depends on: the list of checksums of a dataset made here, else its files."""
    dataset = GRID[wildcards.dataset]
    if dataset.settings["source"] == "local":
        return dataset.sequences[wildcards.sequence].inputs
    return f"data/{SETTINGS['preset']}/{wildcards.dataset}.sha256"


rule render_dataset:
    input:
        code=modules("vcmflow.data.render.command"),
    output:
        folder=directory(f"{DATA}/{{dataset}}"),
        sums=f"{DATA}/{{dataset}}.sha256",
    log:
        f"{RESULTS}/logs/{{dataset}}/render_dataset.log",
    benchmark:
        f"{RESULTS}/benchmarks/{{dataset}}/render_dataset.tsv"
    wildcard_constraints:
        dataset="|".join(
            name for name, dataset in GRID.items() if dataset.settings["source"] == "render"
        )
        or "none",
    params:
        kind=lambda wildcards: GRID[wildcards.dataset].task,
        seed=SETTINGS["data"]["seed"],
        width=SETTINGS["data"]["width"],
        height=SETTINGS["data"]["height"],
        sequences=lambda wildcards: list(
            dict.fromkeys(spec.sequence for spec in GRID[wildcards.dataset].sequences.values())
        ),
    shell:
        "python -m vcmflow render --kind {params.kind} --split test --out {output.folder:q}"
        " --seed {params.seed} --width {params.width} --height {params.height}"
        " --sequences {params.sequences:q} --sums-out {output.sums:q} 2> {log:q}"


rule import_sequence:
    input:
        source=dataset_source,
        code=lambda wildcards: modules(
            "vcmflow.data.command", LOADERS[GRID[wildcards.dataset].settings["loader"]]
        ),
    output:
        frames=f"{RESULTS}/{{dataset}}/frames/{{sequence}}/frames.mkv",
        truth=f"{RESULTS}/{{dataset}}/frames/{{sequence}}/truth.json",
        info=f"{RESULTS}/{{dataset}}/frames/{{sequence}}/sequence.json",
    log:
        f"{RESULTS}/logs/{{dataset}}/import_sequence/{{sequence}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/{{dataset}}/import_sequence/{{sequence}}.tsv"
    params:
        sequence=lambda wildcards: shlex.join(
            GRID[wildcards.dataset].sequences[wildcards.sequence].arguments()
        ),
    shell:
        "python -m vcmflow import {params.sequence} --frames-out {output.frames:q}"
        " --truth-out {output.truth:q} --info-out {output.info:q} 2> {log:q}"
