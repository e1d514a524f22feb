# Which frames are kept (paper 2.3, spec 2 to 4): vcmflow/sample.
rule sample:
    input:
        unpack(sampler_needs),
        sequence=f"{RESULTS}/{{dataset}}/frames/{{sequence}}/sequence.json",
        code=lambda wildcards: modules(
            "vcmflow.sample.command",
            SAMPLERS[instance(wildcards.sampler)["method"]].chooser,
        ),
    output:
        decision=f"{RESULTS}/{{dataset}}/sample/{{sequence}}/{{sampler}}.json",
        gaps=f"{RESULTS}/{{dataset}}/sample/{{sequence}}/{{sampler}}.gaps",
    log:
        f"{RESULTS}/logs/{{dataset}}/sample/{{sequence}}/{{sampler}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/{{dataset}}/sample/{{sequence}}/{{sampler}}.tsv"
    wildcard_constraints:
        sampler="[a-z][a-z0-9_]*(-n[0-9]+)?",
    conda:
        ENVIRONMENT
    params:
        method=lambda wildcards: instance(wildcards.sampler)["method"],
        options=lambda wildcards: option_flags(
            sampler_instance(SETTINGS, wildcards.sampler).options
        ),
        keep_every=lambda wildcards: keep_every(wildcards.dataset, wildcards.sampler),
        needs=lambda wildcards, input: " ".join(
            f"--{name} {input[name]}" for name in ("embeddings", "tracks") if name in input.keys()
        ),
    shell:
        "python -m vcmflow sample --method {params.method} {params.options}"
        " --sampler-name {wildcards.sampler} --keep-every {params.keep_every}"
        " --sequences {input.sequence:q} {params.needs}"
        " --decisions-out {output.decision:q} --gaps-out {output.gaps:q} 2> {log:q}"
