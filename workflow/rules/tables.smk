# Tables 3 to 7, uncompressed accuracy, and the checks of the chain (spec 9): vcmflow/tables.
def first_with(task):
    """The dataset that tables and figures of a task are made of; None where there is none."""
    named = SETTINGS["tables"].get(task)
    if named in GRID and GRID[named].task == task:
        return named
    return next((name for name, dataset in GRID.items() if dataset.task == task), None)


DETECTION = first_with("detection")
SEGMENTATION = first_with("segmentation")
REFERENCES = {
    "3": "data/reference/table3_random_access.csv",
    "4": "data/reference/table4_all_intra.csv",
    "5": "data/reference/table5_detection_by_size.csv",
    "6": "data/reference/table6_segmentation_by_size.csv",
    "7": "data/reference/table7_complexity.csv",
}


def compared(dataset, mode):
    """A table of differences needs its anchor, its test and its mode in the dataset."""
    wanted = {SETTINGS["tables"]["anchor"], SETTINGS["tables"]["test"]}
    return (
        dataset is not None
        and wanted <= set(GRID[dataset].samplers)
        and (mode is None or mode in GRID[dataset].settings["modes"])
    )


def both_methods(dataset):
    wanted = {SETTINGS["tables"]["test"], SETTINGS["tables"]["standard"]}
    return dataset is not None and wanted <= set(GRID[dataset].samplers)


def table_datasets(table):
    """The datasets that a table is made of; none if the grid cannot fill it."""
    if table in ("3", "4"):
        return [DETECTION] if compared(DETECTION, "ra" if table == "3" else "ai") else []
    if table == "5":
        return [DETECTION] if both_methods(DETECTION) else []
    if table == "6":
        return [SEGMENTATION] if both_methods(SEGMENTATION) else []
    if table == "7":
        return [DETECTION] if both_methods(DETECTION) and compared(DETECTION, None) else []
    if table == "accuracy":
        return [name for name, dataset in GRID.items() if dataset.task != "none"]
    return list(GRID)


def data_note(datasets):
    """What a table or figure was measured on, for its caption."""
    parts = []
    for name in datasets:
        entry = GRID[name].settings
        kind = "synthetic data" if entry.get("synthetic") else "real data"
        pseudo = any(spec.ground_truth == "pseudo" for spec in GRID[name].sequences.values())
        parts.append(
            f"{entry.get('title') or name} ({kind}{', pseudo ground truth' if pseudo else ''})"
        )
    return "; ".join(parts)


def table_inputs(table):
    datasets = table_datasets(table)
    files = {
        "scenes": [f"{RESULTS}/{name}/score/scenes.csv" for name in datasets],
        "sequences": [f"{RESULTS}/{name}/score/sequences.csv" for name in datasets],
        "dataset_scores": [f"{RESULTS}/{name}/score/dataset.csv" for name in datasets],
    }
    if table == "7":
        files["complexity"] = COMPLEXITY
    if table in REFERENCES and SETTINGS["tables"]["paper_values"]:
        files["reference"] = REFERENCES[table]
    return files


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
            NAME
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
        params:
            table=TABLE,
            complexity=f"--complexity {COMPLEXITY}" if TABLE == "7" else "",
            reference=(
                f"--reference {REFERENCES[TABLE]} --paper-values"
                if TABLE in REFERENCES and SETTINGS["tables"]["paper_values"]
                else ""
            ),
            anchor=SETTINGS["tables"]["anchor"],
            test=SETTINGS["tables"]["test"],
            standard=SETTINGS["tables"]["standard"],
            fit=SETTINGS["score"]["interpolation"],
            note=data_note(table_datasets(TABLE)),
        shell:
            "python -m vcmflow tables --table {params.table} --scenes {input.scenes:q}"
            " --sequences {input.sequences:q} --dataset-scores {input.dataset_scores:q}"
            " {params.complexity} {params.reference} --anchor {params.anchor} --test {params.test}"
            " --standard {params.standard} --fit {params.fit} --note {params.note:q}"
            " --csv-out {output.csv:q} --md-out {output.md:q} --tex-out {output.tex:q} 2> {log:q}"
