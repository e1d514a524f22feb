# The tables of the paper and those beyond it: vcmflow/tables. Which ones there are: PRODUCTS.
TABLES = [
    f"{RESULTS}/tables/{table.name}.{suffix}"
    for table in PRODUCTS.tables()
    for suffix in ("csv", "md", "tex")
]

# One rule per table, because a caption belongs to a rule.
for TABLE in PRODUCTS.tables():

    rule:
        name:
            TABLE.name if TABLE.name.startswith("table") else f"table_{TABLE.name}"
        input:
            files=TABLE.inputs,
        output:
            csv=report(
                f"{RESULTS}/tables/{TABLE.name}.csv",
                caption=f"../report/{TABLE.caption}.rst",
                category="Tables",
                labels={"table": TABLE.name},
            ),
            md=f"{RESULTS}/tables/{TABLE.name}.md",
            tex=f"{RESULTS}/tables/{TABLE.name}.tex",
        log:
            f"{RESULTS}/logs/{TABLE.name}.log",
        benchmark:
            f"{RESULTS}/benchmarks/{TABLE.name}.tsv"
        group:
            "products"
        conda:
            ENVIRONMENT
        resources:
            **DEMAND.of("table"),
        params:
            code=table_code(TABLE),
            table=TABLE.plugin,
            words=TABLE.flags,
            note=PRODUCTS.note(TABLE.datasets),
            datasets=TABLE.datasets,
        shell:
            "python -m vcmflow stage tables --table {params.table:q} {params.words:q} --note={params.note:q}"
            " --csv-out {output.csv:q} --md-out {output.md:q} --tex-out {output.tex:q} 2> {log:q}"
