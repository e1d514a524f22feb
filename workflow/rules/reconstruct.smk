# Decoding, and interpolation of the dropped frames (spec 6): vcmflow/reconstruct.
RECONSTRUCT = SETTINGS["reconstruct"]


rule reconstruct:
    input:
        streams=rules.encode.output.streams,
        decision=f"{RESULTS}/{{dataset}}/sample/{{sequence}}/{{sampler}}.json",
        sequence=f"{RESULTS}/{{dataset}}/frames/{{sequence}}/sequence.json",
        weights=weights_input(RECONSTRUCT),
        code=modules("vcmflow.reconstruct.command", INTERPOLATORS[RECONSTRUCT["interpolator"]]),
    output:
        [
            temp(f"{RESULTS}/{{dataset}}/reconstruct/{{sequence}}/{{sampler}}/{{mode}}/qp{qp}.mkv")
            for qp in QPS
        ],
    log:
        f"{RESULTS}/logs/{{dataset}}/reconstruct/{{sequence}}/{{sampler}}/{{mode}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/{{dataset}}/reconstruct/{{sequence}}/{{sampler}}/{{mode}}.tsv"
    conda:
        ENVIRONMENT
    resources:
        gpu=min(1, GPUS) if INTERPOLATORS[RECONSTRUCT["interpolator"]].gpu else 0,
    params:
        interpolator=RECONSTRUCT["interpolator"],
        weights=weights_flag(RECONSTRUCT),
        options=option_flags(RECONSTRUCT["options"]),
    shell:
        "python -m vcmflow reconstruct --streams {input.streams:q} --decision {input.decision:q}"
        " --sequence {input.sequence:q} --interpolator {params.interpolator} {params.weights}"
        " {params.options} --threads {threads} --out {output:q} 2> {log:q}"


use rule reconstruct as reconstruct_swept with:
    input:
        streams=rules.encode_swept.output.streams,
        decision=f"{RESULTS}/{{dataset}}/sample/{{sequence}}/{{swept}}.json",
        sequence=f"{RESULTS}/{{dataset}}/frames/{{sequence}}/sequence.json",
        weights=weights_input(RECONSTRUCT),
        code=modules("vcmflow.reconstruct.command", INTERPOLATORS[RECONSTRUCT["interpolator"]]),
    output:
        temp(f"{RESULTS}/{{dataset}}/reconstruct/{{sequence}}/{{swept}}/{{mode}}/qp{{qp}}.mkv"),
    log:
        f"{RESULTS}/logs/{{dataset}}/reconstruct/{{sequence}}/{{swept}}/{{mode}}/qp{{qp}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/{{dataset}}/reconstruct/{{sequence}}/{{swept}}/{{mode}}/qp{{qp}}.tsv"


# The few frames that Figs. 6 and 7 show are decoded again, so that no raw video has to be kept.
use rule reconstruct as reconstruct_shown with:
    input:
        streams=f"{RESULTS}/{{dataset}}/encode/{{sequence}}/{{sampler}}/{{mode}}/qp{{qp}}{STREAM}",
        decision=f"{RESULTS}/{{dataset}}/sample/{{sequence}}/{{sampler}}.json",
        sequence=f"{RESULTS}/{{dataset}}/frames/{{sequence}}/sequence.json",
        weights=weights_input(RECONSTRUCT),
        code=modules("vcmflow.reconstruct.command", INTERPOLATORS[RECONSTRUCT["interpolator"]]),
    output:
        temp(f"{RESULTS}/{{dataset}}/shown/{{sequence}}/{{sampler}}/{{mode}}/qp{{qp}}.mkv"),
    log:
        f"{RESULTS}/logs/{{dataset}}/shown/{{sequence}}/{{sampler}}/{{mode}}/qp{{qp}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/{{dataset}}/shown/{{sequence}}/{{sampler}}/{{mode}}/qp{{qp}}.tsv"
