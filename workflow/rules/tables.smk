# Tables 3 to 7, uncompressed accuracy, and the checks of the chain (spec 9): vcmflow/tables.
DETECTION = first_with("detection")
SEGMENTATION = first_with("segmentation")
REFERENCES = {
    "3": "data/reference/table3_random_access.csv",
    "4": "data/reference/table4_all_intra.csv",
    "5": "data/reference/table5_detection_by_size.csv",
    "6": "data/reference/table6_segmentation_by_size.csv",
    "7": "data/reference/table7_complexity.csv",
}


# name of the output -> table
TABLE_NAMES = {
    (f"table{table}" if table.isdigit() else table): table
    for table in PAPER_TABLES
    if table_datasets(table)
}
TABLES = [
    f"{RESULTS}/tables/{name}.{suffix}" for name in TABLE_NAMES for suffix in ("csv", "md", "tex")
]

# One rule per table, because a caption belongs to a rule.
for NAME, TABLE in TABLE_NAMES.items():

    rule:
        name:
            f"table_{NAME}" if NAME == "ablation" else NAME
        input:
            **table_inputs(TABLE),
            code=modules("vcmflow.tables.command", PAPER_TABLES[TABLE]),
        output:
            csv=report(
                f"{RESULTS}/tables/{NAME}.csv",
                caption=f"../report/{NAME}.rst",
                category="Tables",
                labels={"table": NAME},
            ),
            md=f"{RESULTS}/tables/{NAME}.md",
            tex=f"{RESULTS}/tables/{NAME}.tex",
        log:
            f"{RESULTS}/logs/{NAME}.log",
        benchmark:
            f"{RESULTS}/benchmarks/{NAME}.tsv"
        conda:
            ENVIRONMENT
        params:
            table=TABLE,
            complexity=f"--complexity {COMPLEXITY}" if TABLE == "7" else "",
            trajectories=lambda wildcards, input: (
                f"--trajectories {input.trajectories}" if "trajectories" in input.keys() else ""
            ),
            reference=(
                f"--reference {REFERENCES[TABLE]} --paper-values"
                if TABLE in REFERENCES and SETTINGS["tables"]["paper_values"]
                else ""
            ),
            choices=table_flags(TABLE),
            note=data_note(table_datasets(TABLE)),
        shell:
            "python -m vcmflow tables --table {params.table} --scenes {input.scenes:q}"
            " --sequences {input.sequences:q} --dataset-scores {input.dataset_scores:q}"
            " {params.complexity} {params.trajectories} {params.reference} {params.choices} --note={params.note:q}"
            " --csv-out {output.csv:q} --md-out {output.md:q} --tex-out {output.tex:q} 2> {log:q}"
