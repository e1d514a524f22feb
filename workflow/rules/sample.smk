# Which frames are kept (paper 2.3): vcmflow/sample.
rule sample:
    input:
        unpack(PLAN.sampler_needs),
        sequence=f"{RESULTS}/{{dataset}}/frames/{{sequence}}/sequence.json",
    output:
        decision=f"{RESULTS}/{{dataset}}/sample/{{sequence}}/{{sampler}}.json",
        gaps=f"{RESULTS}/{{dataset}}/sample/{{sequence}}/{{sampler}}.gaps",
    log:
        f"{RESULTS}/logs/{{dataset}}/sample/{{sequence}}/{{sampler}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/{{dataset}}/sample/{{sequence}}/{{sampler}}.tsv"
    group:
        "coding"
    conda:
        ENVIRONMENT
    resources:
        **DEMAND.of("sample"),
    params:
        code=PLAN.sampler_code,
        sampler=PLAN.sampler_job,
        keep_every=PLAN.keep_every,
        needs=PLAN.sampler_need_words,
    shell:
        "python -m vcmflow stage sample --sampler {params.sampler:q} --name {wildcards.sampler:q}"
        " --keep-every {params.keep_every:q} --sequence {input.sequence:q} {params.needs:q}"
        " --decision-out {output.decision:q} --gaps-out {output.gaps:q} 2> {log:q}"
