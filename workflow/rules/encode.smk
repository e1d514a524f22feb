# Coding of the kept frames (spec 5): vcmflow/encode. One job codes one sequence at all QPs.
ENCODE = SETTINGS["encode"]


rule encode:
    input:
        frames=f"{RESULTS}/{{dataset}}/frames/{{sequence}}/frames.mkv",
        decision=f"{RESULTS}/{{dataset}}/sample/{{sequence}}/{{sampler}}.json",
        code=modules("vcmflow.encode.command", CODECS[ENCODE["codec"]]),
    output:
        streams=[
            ensure(
                f"{RESULTS}/{{dataset}}/encode/{{sequence}}/{{sampler}}/{{mode}}/qp{qp}{STREAM}",
                non_empty=True,
            )
            for qp in QPS
        ],
        csv=f"{RESULTS}/{{dataset}}/encode/{{sequence}}/{{sampler}}/{{mode}}/encode.csv",
        json=f"{RESULTS}/{{dataset}}/encode/{{sequence}}/{{sampler}}/{{mode}}/encode.json",
    log:
        f"{RESULTS}/logs/{{dataset}}/encode/{{sequence}}/{{sampler}}/{{mode}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/{{dataset}}/encode/{{sequence}}/{{sampler}}/{{mode}}.tsv"
    conda:
        ENVIRONMENT
    params:
        codec=ENCODE["codec"],
        preset=ENCODE["preset"],
        intra_period=ENCODE["intra_period"],
        qps=QPS,
        options=option_flags(ENCODE["options"]),
    shell:
        "python -m vcmflow encode --frames {input.frames:q} --decision {input.decision:q}"
        " --codec {params.codec} --mode {wildcards.mode} --qp {params.qps}"
        " --preset {params.preset} --intra-period {params.intra_period} {params.options}"
        " --threads {threads} --streams-out {output.streams:q} --csv-out {output.csv:q}"
        " --json-out {output.json:q} 2> {log:q}"


# A swept share of kept frames is coded at one QP only.
use rule encode as encode_swept with:
    input:
        frames=f"{RESULTS}/{{dataset}}/frames/{{sequence}}/frames.mkv",
        decision=f"{RESULTS}/{{dataset}}/sample/{{sequence}}/{{swept}}.json",
        code=modules("vcmflow.encode.command", CODECS[ENCODE["codec"]]),
    output:
        streams=[
            ensure(
                f"{RESULTS}/{{dataset}}/encode/{{sequence}}/{{swept}}/{{mode}}/qp{{qp}}{STREAM}",
                non_empty=True,
            )
        ],
        csv=f"{RESULTS}/{{dataset}}/encode/{{sequence}}/{{swept}}/{{mode}}/qp{{qp}}.csv",
        json=f"{RESULTS}/{{dataset}}/encode/{{sequence}}/{{swept}}/{{mode}}/qp{{qp}}.json",
    log:
        f"{RESULTS}/logs/{{dataset}}/encode/{{sequence}}/{{swept}}/{{mode}}/qp{{qp}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/{{dataset}}/encode/{{sequence}}/{{swept}}/{{mode}}/qp{{qp}}.tsv"
    params:
        codec=ENCODE["codec"],
        preset=ENCODE["preset"],
        intra_period=ENCODE["intra_period"],
        qps=lambda wildcards: wildcards.qp,
        options=option_flags(ENCODE["options"]),
