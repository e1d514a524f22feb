"""``vcmflow …``: the tool for one's own videos, and the stages of the workflow."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from functools import partial

from vcmflow import __version__
from vcmflow.core.guard import guarded

# name -> (module with add_arguments and run, one line of help). Only the chosen one's module is
# imported, so that light commands start in a tenth of a second.
STAGES: dict[str, tuple[str, str]] = {
    "import": ("vcmflow.data.command", "turn a sequence of any dataset into the common form"),
    "sequences": ("vcmflow.data.table", "write the sequence table of a dataset"),
    "download": ("vcmflow.data.download", "fetch, check and unpack a dataset or a weights file"),
    "weights": ("vcmflow.data.weights", "check (or fetch) the weights of the official networks"),
    "train": ("vcmflow.train.command", "train the embedding network or a mini model"),
    "embed": ("vcmflow.embed.command", "embed the frames of videos"),
    "importance": (
        "vcmflow.importance.command",
        "say how much every block of a frame matters to machines",
    ),
    "track": ("vcmflow.track.command", "detect and track objects through videos"),
    "select": ("vcmflow.select.command", "choose the frames of video files, in one process"),
    "bounds": ("vcmflow.bounds.command", "try choices of frames, without any coding"),
    "sample": ("vcmflow.sample.command", "choose the frames to keep"),
    "encode": ("vcmflow.encode.command", "encode the kept frames"),
    "reconstruct": ("vcmflow.reconstruct.command", "decode and make the dropped frames"),
    "fidelity": ("vcmflow.fidelity.command", "PSNR and SSIM of reconstructed frames"),
    "task": ("vcmflow.task.command", "run a model of a vision task on videos"),
    "score": ("vcmflow.score.command", "score detections, masks and fidelity"),
    "complexity": ("vcmflow.complexity.command", "parameters, FLOPs and speed of the samplers"),
    "trajectory": ("vcmflow.trajectory.command", "measure trajectories of an embedding"),
    "tables": ("vcmflow.tables.command", "write one of the tables"),
    "figures": ("vcmflow.figures.command", "draw one of the figures"),
    "metrics": ("vcmflow.metrics.command", "write what DVC shows and compares"),
    "provenance": ("vcmflow.provenance.command", "write down where results come from"),
    "parameters": ("vcmflow.config.reference", "write the reference page of params.yaml"),
    "verify": ("vcmflow.plan.verify", "find files that changed after a run"),
}

THEN = "--then"

TOOLS: dict[str, tuple[str, str]] = {
    "compress": ("vcmflow.tool.commands.compress", "a video or a folder of pictures into a file"),
    "restore": ("vcmflow.tool.commands.restore", "all frames at their times, or the kept ones"),
    "info": ("vcmflow.tool.commands.info", "what is in a file"),
    "evaluate": ("vcmflow.tool.commands.evaluate", "rate, PSNR, SSIM, a detector's accuracy"),
    "advise": ("vcmflow.tool.commands.advise", "which method, share of frames and QP to use"),
}

HELP = """\
Video coding for machines: keep the frames that a detector needs, and code them.

  vcmflow compress in.mp4 out.vcm --keep 1/3 --qp 37
  vcmflow restore out.vcm restored.mp4
  vcmflow info out.vcm
  vcmflow evaluate in.mp4 out.vcm --detector onnx --detector-weights m.onnx
  vcmflow advise in.mp4 --detector onnx --detector-weights m.onnx --kbps 200

commands (vcmflow COMMAND --help):
{tools}
  stage      one stage of the experiment workflow; vcmflow stage lists them

vcmflow --version says which version this is.
""".format(tools="\n".join(f"  {name:<11}{line}" for name, (_, line) in TOOLS.items()))


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0, or 2 after a one-line error."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    command = arguments[0] if arguments else "--help"
    if command in ("-h", "--help"):
        print(HELP, end="")
        return 0
    if command == "--version":
        print(f"vcmflow {__version__}")
        return 0
    if command == "stage":
        return stage(arguments[1:])
    if command in TOOLS:
        return _run(f"vcmflow {command}", *TOOLS[command], arguments[1:])
    where = f"it is a stage: vcmflow stage {command}" if command in STAGES else "see vcmflow --help"
    print(f"vcmflow: error: unknown command {command!r}; {where}", file=sys.stderr)
    return 2


def stage(argv: Sequence[str]) -> int:
    """Run one stage of the workflow; arguments begin with its name.

    ``--then`` and another name run another one after it in the same process, which has started and
    imported what both need.
    """
    while THEN in argv:
        place = argv.index(THEN)
        status = stage(argv[:place])
        if status:
            return status
        argv = argv[place + 1 :]
    if not argv or argv[0] in ("-h", "--help"):
        print("usage: vcmflow stage NAME … [--then NAME …]\n\nstages:")
        print("\n".join(f"  {name:<12}{line}" for name, (_, line) in STAGES.items()))
        return 0
    name = argv[0]
    if name not in STAGES:
        print(
            f"vcmflow stage: error: unknown stage {name!r}; allowed: {', '.join(STAGES)}",
            file=sys.stderr,
        )
        return 2
    module, line = STAGES[name]
    return _run(f"vcmflow stage {name}", module, line, argv[1:])


def _run(program: str, module_name: str, line: str, arguments: Sequence[str]) -> int:
    def call() -> None:
        module = importlib.import_module(module_name)
        # Wide enough for nearly every flag to have its help beside it.
        form = partial(argparse.HelpFormatter, max_help_position=32)
        options = argparse.ArgumentParser(prog=program, description=line, formatter_class=form)
        if examples := getattr(module, "EXAMPLES", ""):
            # The examples come first; the flags, one by one, follow.
            options.usage = f"{program} …\n\n" + "".join(
                f"  {example}\n" for example in examples.splitlines()
            )
        module.add_arguments(options)
        module.run(options.parse_args(arguments))

    return guarded(program, call)


if __name__ == "__main__":
    sys.exit(main())
