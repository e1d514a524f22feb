"""``python -m vcmflow figures --figure <name> … --out <files>``: draw one figure."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from vcmflow.core.options import parse_options
from vcmflow.core.registry import lookup
from vcmflow.figures import style
from vcmflow.figures.inputs import Inputs
from vcmflow.figures.registry import FIGURES

_USES = """which figure is drawn from what:
  fig4, fig5    --scenes
  fig6, fig7    --original --source-task --truth --sequences --sequence --modes --qps, and for each
                method --names --recons --tasks --decisions
  fig8          --labels --names, and for each label --embeddings of all names
  timeline      --decisions [--embeddings --names]
  rate_scores   --scenes [--samplers --modes]
  accuracy_m    --scenes --modes --qps [--samplers]
  rd            --sequences [--samplers --modes]
  time          --benchmarks --names
  training      --logs [--names]
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags; a figure says which of them it needs."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _USES
    names = ", ".join(FIGURES)
    parser.add_argument("--figure", required=True, metavar="NAME", help=f"one of: {names}")
    parser.add_argument(
        "--out",
        required=True,
        nargs="+",
        type=Path,
        metavar="FILE",
        help=".png, .pdf or .svg files",
    )
    parser.add_argument(
        "--note", default="", help="small print above the panels: what data this is"
    )

    scores = parser.add_argument_group("scores, and what to take from them")
    _files(scores, "--scenes", "score/scenes.csv of one or more datasets")
    _files(scores, "--sequences", "score/sequences.csv of one or more datasets")
    scores.add_argument("--samplers", nargs="+", default=(), metavar="NAME", help="default: all")
    scores.add_argument("--modes", nargs="+", default=(), metavar="MODE", help="ra, ai")
    scores.add_argument("--qps", nargs="+", default=(), type=int, metavar="QP", help="as encoded")

    frame = parser.add_argument_group("one frame of a sequence (fig6, fig7)")
    frame.add_argument("--sequence", default="", help="its id")
    frame.add_argument("--original", type=Path, help="video of its frames")
    frame.add_argument("--source-task", type=Path, help="task results on them")
    frame.add_argument("--truth", type=Path, help="its ground truth, COCO JSON")
    _files(frame, "--recons", "reconstructed video, one per method")
    _files(frame, "--tasks", "task results, one file per method")

    rest = parser.add_argument_group("decisions, embeddings, logs")
    _files(rest, "--decisions", "sampling decisions, JSON (fig6, fig7: one per method)")
    _files(rest, "--embeddings", "embeddings, .npy, n x d, one per sequence (fig8: and label)")
    _files(rest, "--benchmarks", "Snakemake's benchmarks: .tsv files, or folders of them")
    _files(rest, "--logs", "training logs, CSV")
    rest.add_argument(
        "--names",
        nargs="+",
        default=(),
        metavar="NAME",
        help="names of the methods, the embedded sequences, the benchmarks' stages, or the logs",
    )
    rest.add_argument(
        "--labels", nargs="+", default=(), metavar="TEXT", help="titles of fig8's columns"
    )
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="fig6: score (least one drawn, 0.5); fig6, fig7: frame (else by rule); fig8: seed (0)",
    )


def _files(group: argparse._ArgumentGroup, flag: str, text: str) -> None:
    group.add_argument(flag, nargs="+", default=(), type=Path, metavar="FILE", help=text)


def run(args: argparse.Namespace) -> None:
    """Draw the figure and write it to every file of ``--out``."""
    builder = lookup(FIGURES, args.figure, "figure")
    given: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in vars(args).items()
        if key not in ("out", "option")
    }
    style.check_paths(args.out)
    figure = builder(Inputs(**given, options=parse_options(args.option)))
    style.save(figure, args.out)
