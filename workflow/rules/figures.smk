# The figures of the paper and those beyond it: vcmflow/figures. Which ones there are: PRODUCTS.
try:
    PLANNED_FIGURES = PRODUCTS.figures()
except VcmflowError as error:
    raise WorkflowError(str(error)) from None
FIGURES = [
    f"{RESULTS}/figures/{figure.name}.{suffix}"
    for figure in PLANNED_FIGURES
    for suffix in ("png", "pdf")
]

# One rule per figure, because a caption belongs to a rule.
for FIGURE in PLANNED_FIGURES:

    rule:
        name:
            (f"figure_{FIGURE.name}" if FIGURE.name in ("compare", "importance") else FIGURE.name)
        input:
            files=FIGURE.inputs,
            records=[str(record(Path(file))) for file in FIGURE.inputs if "/shown/" in file],
        output:
            report(
                f"{RESULTS}/figures/{FIGURE.name}.png",
                caption=f"../report/{FIGURE.caption}.rst",
                category="Figures",
                labels={"figure": FIGURE.name},
            ),
            f"{RESULTS}/figures/{FIGURE.name}.pdf",
        log:
            f"{RESULTS}/logs/{FIGURE.name}.log",
        benchmark:
            f"{RESULTS}/benchmarks/{FIGURE.name}.tsv"
        group:
            "products"
        conda:
            ENVIRONMENT
        resources:
            **DEMAND.of("figure"),
        params:
            code=figure_code(FIGURE),
            figure=FIGURE.plugin,
            words=FIGURE.flags,
            note=PRODUCTS.note(FIGURE.datasets),
            datasets=FIGURE.datasets,
        shell:
            "python -m vcmflow stage figures --figure {params.figure:q} {params.words:q}"
            " --note={params.note:q} --out {output:q} 2> {log:q}"
