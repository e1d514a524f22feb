# Embedding of every frame (paper 2.1): vcmflow/embed. A job loads the network once, for a batch of
# sequences; networks and PyTorch take seconds to load.
for BATCH in PLAN.batches():

    rule:
        name:
            f"embed{BATCH.name}"
        input:
            videos=[
                f"{RESULTS}/{BATCH.dataset}/frames/{sequence}/frames.mkv"
                for sequence in BATCH.sequences
            ],
            weights=PLAN.embedding_weights,
        output:
            [
                f"{RESULTS}/{BATCH.dataset}/embed/{sequence}/{{embedding}}.npy"
                for sequence in BATCH.sequences
            ],
        log:
            f"{RESULTS}/logs/{BATCH.dataset}/embed/{BATCH.place}/{{embedding}}.log",
        benchmark:
            f"{RESULTS}/benchmarks/{BATCH.dataset}/embed/{BATCH.place}/{{embedding}}.tsv"
        conda:
            ENVIRONMENT
        resources:
            **DEMAND.of(f"embed{BATCH.name}"),
        params:
            code=PLAN.embedding_code,
            embedding=PLAN.embedding_job,
            weights=lambda wildcards, input: flag("--weights", input.weights),
        shell:
            "python -m vcmflow stage embed --embedding {params.embedding:q} {params.weights:q}"
            " --threads {threads} --videos {input.videos:q} --out {output:q} 2> {log:q}"
