"""``vcmflow stage metrics``: what DVC shows and compares of a run."""

from __future__ import annotations

import argparse
from pathlib import Path

from vcmflow.core.files import write_json
from vcmflow.core.rows import read_csv, write_csv
from vcmflow.core.scores import parse_curves, read_scores
from vcmflow.metrics.curves import (
    ACCURACY_M,
    RATE_ACCURACY,
    SCENES,
    accuracy_m,
    rate_accuracy,
    scenes,
)
from vcmflow.metrics.summary import DIFFERENCES, summary


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    parser.add_argument(
        "--scores", type=Path, nargs="+", required=True, help="scores.csv of each dataset"
    )
    parser.add_argument(
        "--curves",
        default="{}",
        metavar="JSON",
        help="accuracy against m/n: name of a curve -> the methods on it",
    )
    parser.add_argument(
        "--points", nargs="+", default=[], help="accuracy against m/n: operating points"
    )
    parser.add_argument(
        "--differences", type=Path, nargs="+", default=[], help="Tables 3 and 4 (.csv)"
    )
    parser.add_argument("--costs", type=Path, nargs="?", help="Table 7 (.csv)")
    parser.add_argument("--checks", type=Path, nargs="?", help="table of checks (.csv)")
    parser.add_argument("--metrics-out", type=Path, required=True, help="the numbers (.json)")
    parser.add_argument(
        "--rate-accuracy-out", type=Path, required=True, help="points of rate-accuracy curves"
    )
    parser.add_argument(
        "--accuracy-m-out", type=Path, required=True, help="points of accuracy against m/n"
    )
    parser.add_argument("--scenes-out", type=Path, required=True, help="differences per scene")


def run(args: argparse.Namespace) -> None:
    """Read score tables and tables, write numbers and points."""
    scores = read_scores(args.scores)
    differences = {
        path.stem: read_csv(path, ("scene", *(f"{m}_status" for m in DIFFERENCES)))
        for path in args.differences
    }
    costs = read_csv(args.costs, ("method",)) if args.costs else []
    checks = read_csv(args.checks, ("status",)) if args.checks else []
    write_csv(args.rate_accuracy_out, RATE_ACCURACY, rate_accuracy(scores))
    write_csv(
        args.accuracy_m_out, ACCURACY_M, accuracy_m(scores, parse_curves(args.curves), args.points)
    )
    write_csv(args.scenes_out, SCENES, scenes(differences))
    write_json(args.metrics_out, summary(scores, differences, costs, checks))
