# Figures 4 to 8 and those beyond the paper (spec 9): vcmflow/figures.
SHOWN = SETTINGS["figures"]
METHODS = [SETTINGS["tables"][key] for key in ("anchor", "standard", "test")]


def methods(dataset):
    """The methods of Figs. 6 and 7 that run on a dataset."""
    return [name for name in dict.fromkeys(METHODS) if name in GRID[dataset].samplers]


def shown_figure(figure, dataset, sequence):
    """Inputs and flags of Fig. 6 or 7: one frame of a sequence from every method."""
    sequence = sequence or next(iter(GRID[dataset].sequences))
    folder, mode, qp = f"{RESULTS}/{dataset}", SHOWN["shown_mode"], SHOWN["shown_qp"]
    part = part_of(dataset, sequence)
    inputs = {
        "sequences": f"{folder}/score/sequences.csv",
        "original": f"{folder}/frames/{sequence}/frames.mkv",
        "truth": f"{folder}/frames/{sequence}/truth.json",
        "source_task": f"{folder}/task_source/{part}.json",
        "recons": [
            f"{folder}/shown/{sequence}/{name}/{mode}/qp{qp}.mkv" for name in methods(dataset)
        ],
        "tasks": [f"{folder}/task/{name}/{part}.json" for name in methods(dataset)],
        "decisions": [f"{folder}/sample/{sequence}/{name}.json" for name in methods(dataset)],
    }
    words = ["--sequence", sequence, "--modes", mode, "--qps", qp, "--names", *methods(dataset)]
    return figure, [dataset], inputs, words


def embedding_figure():
    """Inputs and flags of Fig. 8: three sequences under two embeddings."""
    dataset = SEGMENTATION or DETECTION or next(iter(GRID))
    sequences = SHOWN["embedding_sequences"] or list(GRID[dataset].sequences)[:3]
    left, right = (
        [f"{RESULTS}/{dataset}/embed/{sequence}/{name}.npy" for sequence in sequences]
        for name in SHOWN["embeddings"]
    )
    words = ["--names", *sequences, "--labels", *SHOWN["embeddings"]]
    return "fig8", [dataset], {"reference_embeddings": left, "embeddings": right}, words


def timeline_figure(dataset):
    """Inputs and flags of a timeline: decisions, and the embedding behind the proposed sampler."""
    plan, folder = GRID[dataset], f"{RESULTS}/{dataset}"
    samplers = [name for name in plan.samplers if split_sampler(name)[1] is None]
    inputs = {
        "decisions": [
            f"{folder}/sample/{sequence}/{sampler}.json"
            for sequence in plan.sequences
            for sampler in samplers
        ]
    }
    words = []
    embedding = instance(SETTINGS["tables"]["test"]).get("embedding")
    if embedding and SETTINGS["tables"]["test"] in samplers:
        inputs["embeddings"] = [
            f"{folder}/embed/{sequence}/{embedding}.npy" for sequence in plan.sequences
        ]
        words = ["--names", *plan.sequences]
    return "timeline", [dataset], inputs, words


def stage_benchmarks():
    """(stage, benchmark file) of every job whose time the figure of times adds up."""
    root = f"{RESULTS}/benchmarks"
    found = [("pretrain", f"{root}/pretrain.tsv")] if USES_PRETRAINING else []
    for name, plan in GRID.items():
        for sequence in plan.sequences:
            found.append(("data", f"{root}/{name}/import_sequence/{sequence}.tsv"))
            found.append(("score", f"{root}/{name}/score_sequence/{sequence}.tsv"))
            for run in plan.conditions:
                one = f"/qp{run.qps[0]}" if split_sampler(run.sampler)[1] else ""
                tail = f"{sequence}/{run.sampler}/{run.mode}{one}.tsv"
                found.append(("encode", f"{root}/{name}/encode/{tail}"))
                found.append(("reconstruct", f"{root}/{name}/reconstruct/{tail}"))
            for sampler in plan.samplers:
                found.append(("sample", f"{root}/{name}/sample/{sequence}/{sampler}.tsv"))
                found.append(("fidelity", f"{root}/{name}/fidelity/{sequence}/{sampler}.tsv"))
                needs = sampler_instance(SETTINGS, sampler).needs
                if needs == "embedding":
                    embedding = instance(sampler)["embedding"]
                    found.append(("embed", f"{root}/{name}/embed/{sequence}/{embedding}.tsv"))
                if needs == "tracks":
                    found.append(("track", f"{root}/{name}/track/{sequence}.tsv"))
        if plan.task != "none":
            for part in plan.parts():
                found.append(("task", f"{root}/{name}/task_source/{part}.tsv"))
                for sampler in plan.samplers:
                    found.append(("task", f"{root}/{name}/task/{sampler}/{part}.tsv"))
    order = "data pretrain embed track sample encode reconstruct fidelity task score".split()
    return sorted(dict.fromkeys(found), key=lambda entry: order.index(entry[0]))


def stage_folders():
    """(stage, folder of benchmarks, or file), in order: short enough for any command line."""
    return list(dict.fromkeys((stage, folder_of(path)) for stage, path in stage_benchmarks()))


def folder_of(benchmark):
    """`.../benchmarks/<dataset>/<rule>` of a benchmark file; itself where it has no dataset."""
    return "/".join(benchmark.split("/")[: RESULTS.count("/") + 4])


def scores_of(kind, datasets):
    return {kind: [f"{RESULTS}/{name}/score/{kind}.csv" for name in datasets]}


# File name -> (figure, datasets, inputs by flag, further words of the command).
PLANNED_FIGURES = {}
for NAME, MODE in (("fig4", "ra"), ("fig5", "ai")):
    if DETECTION and MODE in GRID[DETECTION].settings["modes"]:
        PLANNED_FIGURES[NAME] = (NAME, [DETECTION], scores_of("scenes", [DETECTION]), [])
for NAME, DATASET, SEQUENCE in (
    ("fig6", DETECTION, SHOWN["detection_sequence"]),
    ("fig7", SEGMENTATION, SHOWN["segmentation_sequence"]),
):
    if DATASET and SHOWN["shown_mode"] in GRID[DATASET].settings["modes"]:
        PLANNED_FIGURES[NAME] = shown_figure(NAME, DATASET, SEQUENCE)
if len(SHOWN["embeddings"]) == 2:
    PLANNED_FIGURES["fig8"] = embedding_figure()
for DATASET in GRID:
    PLANNED_FIGURES[f"timeline_{DATASET}"] = timeline_figure(DATASET)
    PLANNED_FIGURES[f"rd_{DATASET}"] = ("rd", [DATASET], scores_of("sequences", [DATASET]), [])
    if GRID[DATASET].task != "none":
        PLANNED_FIGURES[f"rate_scores_{DATASET}"] = (
            "rate_scores",
            [DATASET],
            scores_of("scenes", [DATASET]),
            [],
        )
SWEEP = SETTINGS["sample"].get("sweep")
if SWEEP and SWEEP["dataset"] in GRID and GRID[SWEEP["dataset"]].task != "none":
    PLANNED_FIGURES["accuracy_m"] = (
        "accuracy_m",
        [SWEEP["dataset"]],
        scores_of("scenes", [SWEEP["dataset"]]),
        ["--modes", SWEEP["mode"], "--qps", SWEEP["qp"], "--samplers", *SWEEP["samplers"]],
    )
if USES_PRETRAINING:
    PLANNED_FIGURES["training"] = ("training", [], {"logs": rules.pretrain.output.log}, [])
PLANNED_FIGURES["time"] = (
    "time",
    list(GRID),
    {"jobs": [path for _, path in stage_benchmarks()]},
    ["--benchmarks", *(folder for _, folder in stage_folders())]
    + ["--names", *(stage for stage, _ in stage_folders())],
)
FIGURES = [
    f"{RESULTS}/figures/{name}.{suffix}" for name in PLANNED_FIGURES for suffix in ("png", "pdf")
]

# One rule per figure, because a caption belongs to a rule.
for NAME, (FIGURE, DATASETS, FILES, WORDS) in PLANNED_FIGURES.items():

    rule:
        name:
            NAME
        input:
            **FILES,
            code=modules("vcmflow.figures.command", PAPER_FIGURES[FIGURE]),
        output:
            report(
                f"{RESULTS}/figures/{NAME}.png",
                caption=f"../report/{FIGURE}.rst",
                category="Figures",
                labels={"figure": NAME},
            ),
            f"{RESULTS}/figures/{NAME}.pdf",
        log:
            f"{RESULTS}/logs/{NAME}.log",
        benchmark:
            f"{RESULTS}/benchmarks/{NAME}.tsv"
        params:
            figure=FIGURE,
            files=lambda wildcards, input, flags=tuple(FILES): " ".join(
                f"--{flag.replace('_', '-')} {input[flag]}" for flag in flags if flag != "jobs"
            ),
            words=shlex.join(str(word) for word in WORDS),
            note=data_note(DATASETS),
            datasets=DATASETS,
        shell:
            "python -m vcmflow figures --figure {params.figure} {params.files} {params.words}"
            " --note {params.note:q} --out {output:q} 2> {log:q}"
