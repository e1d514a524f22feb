"""``python -m vcmflow <command> …``: one sub-command per stage, usable without Snakemake."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from vcmflow import __version__
from vcmflow.core.errors import VcmflowError

# command -> (module with add_arguments and run, one line of help). Only the chosen command's module
# is imported, so that light commands start in a tenth of a second.
COMMANDS: dict[str, tuple[str, str]] = {
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
    "unlock": ("vcmflow.plan.unlock", "remove the locks that a killed run left behind"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one sub-command and return its exit status: 0, or 2 after a one-line error."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(
        prog="vcmflow",
        description="Video coding for machines, step by step.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="commands:\n"
        + "\n".join(f"  {name:<12}{line}" for name, (_, line) in COMMANDS.items()),
    )
    parser.add_argument("--version", action="version", version=f"vcmflow {__version__}")
    parser.add_argument("command", choices=COMMANDS, metavar="command", help="see the list below")
    if not arguments:
        parser.print_help()
        return 0
    command = parser.parse_args(arguments[:1]).command
    module_name, help_line = COMMANDS[command]
    try:
        module = importlib.import_module(module_name)
        options = argparse.ArgumentParser(prog=f"vcmflow {command}", description=help_line)
        module.add_arguments(options)
        module.run(options.parse_args(arguments[1:]))
    except VcmflowError as error:
        print(f"vcmflow {command}: error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
