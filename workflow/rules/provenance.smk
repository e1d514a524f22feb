# Where the results come from: vcmflow/provenance. It follows everything else, and nothing follows
# it, because it says something else at every run. What makes it run again is what makes results.
PROVENANCE = f"{RESULTS}/provenance.json"


rule provenance:
    input:
        results=[*TABLES, *FIGURES, *METRICS.values()],
        encodes=PLAN.encoder_reports(),
        models=list(dict.fromkeys(str(path) for _, path in weights_files(SETTINGS, GRID))),
        trained=[
            PLAN.training_file(name)
            for name in dict.fromkeys([*PRODUCTS.trainings, *PLAN.model_trainings()])
        ],
    output:
        PROVENANCE,
    log:
        f"{RESULTS}/logs/provenance.log",
    benchmark:
        f"{RESULTS}/benchmarks/provenance.tsv"
    group:
        "products"
    conda:
        ENVIRONMENT
    resources:
        **DEMAND.of("provenance"),
    params:
        code=version("vcmflow.provenance.command"),
        parameters=json.dumps(plain(SETTINGS), sort_keys=True),
    shell:
        "python -m vcmflow stage provenance --parameters {params.parameters:q}"
        " --encodes {input.encodes:q} --models {input.models:q} {input.trained:q}"
        " --out {output:q} 2> {log:q}"
