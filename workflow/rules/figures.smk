# Figures 4 to 8 and those beyond the paper (spec 9): vcmflow/figures.
SHOWN = SETTINGS["figures"]
METHODS = [SETTINGS["tables"][key] for key in ("anchor", "standard", "test")]


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
if TRAININGS:
    PLANNED_FIGURES["training"] = (
        "training",
        [],
        {"logs": [training_file(name, "log.csv") for name in TRAININGS]},
        ["--names", *(name or "main" for name in TRAININGS)] if len(TRAININGS) > 1 else [],
    )
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
        conda:
            ENVIRONMENT
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
            " --note={params.note:q} --out {output:q} 2> {log:q}"
