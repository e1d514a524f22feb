# PSNR and SSIM of the reconstructed frames against the originals: vcmflow/fidelity.
rule fidelity:
    input:
        original=f"{RESULTS}/{{dataset}}/frames/{{sequence}}/frames.mkv",
        decision=f"{RESULTS}/{{dataset}}/sample/{{sequence}}/{{sampler}}.json",
        recons=PLAN.reconstructed,
    output:
        f"{RESULTS}/{{dataset}}/fidelity/{{sequence}}/{{sampler}}/{{codec}}/{{reconstructor}}.csv",
    log:
        f"{RESULTS}/logs/{{dataset}}/fidelity/{{sequence}}/{{sampler}}/{{codec}}/{{reconstructor}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/{{dataset}}/fidelity/{{sequence}}/{{sampler}}/{{codec}}/{{reconstructor}}.tsv"
    conda:
        ENVIRONMENT
    params:
        code=version("vcmflow.fidelity.command"),
        points=PLAN.points,
    shell:
        "python -m vcmflow stage fidelity --original {input.original:q} --decision {input.decision:q}"
        " --recons {input.recons:q} --points {params.points:q} --out {output:q} 2> {log:q}"
