# What DVC shows and compares (dvc.yaml: metrics, plots): vcmflow/metrics.
METRICS = {
    "metrics": f"{RESULTS}/metrics.json",
    "rate_accuracy": f"{RESULTS}/plots/rate_accuracy.csv",
    "accuracy_m": f"{RESULTS}/plots/accuracy_m.csv",
    "scenes": f"{RESULTS}/plots/scenes.csv",
}


rule metrics:
    input:
        scores=[f"{RESULTS}/{name}/score/scores.csv" for name in GRID],
        differences=PRODUCTS.tables_made("table3", "table4"),
        costs=PRODUCTS.tables_made("table7"),
        checks=PRODUCTS.tables_made("sanity"),
    output:
        **METRICS,
    log:
        f"{RESULTS}/logs/metrics.log",
    benchmark:
        f"{RESULTS}/benchmarks/metrics.tsv"
    group:
        "products"
    conda:
        ENVIRONMENT
    resources:
        **DEMAND.of("metrics"),
    params:
        code=version("vcmflow.metrics.command"),
        curves=PRODUCTS.sweep_words(),
        differences=lambda wildcards, input: flag("--differences", input.differences),
    shell:
        "python -m vcmflow stage metrics --scores {input.scores:q} {params.curves:q}"
        " {params.differences:q} --costs {input.costs:q} --checks {input.checks:q}"
        " --metrics-out {output.metrics:q} --rate-accuracy-out {output.rate_accuracy:q}"
        " --accuracy-m-out {output.accuracy_m:q} --scenes-out {output.scenes:q} 2> {log:q}"
