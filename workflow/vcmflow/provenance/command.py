"""``vcmflow stage provenance``: write down where the results of a run come from."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path

from vcmflow import __version__
from vcmflow.core.errors import VcmflowError
from vcmflow.core.files import sha256, write_json
from vcmflow.provenance.collect import encoders, git_state, machine, packages


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    parser.add_argument("--parameters", required=True, help="the resolved parameters, as JSON")
    parser.add_argument(
        "--models", type=Path, nargs="*", default=[], help="weights files that were used or trained"
    )
    parser.add_argument(
        "--encodes",
        type=Path,
        nargs="*",
        default=[],
        help="what encoders said of themselves (encode.json)",
    )
    parser.add_argument("--out", type=Path, required=True, help="JSON file")


def run(args: argparse.Namespace) -> None:
    """Collect and write."""
    try:
        parameters = json.loads(args.parameters)
    except json.JSONDecodeError as error:
        raise VcmflowError(f"--parameters is not JSON ({error})") from None
    write_json(
        args.out,
        {
            "vcmflow": __version__,
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "git": git_state(Path.cwd()),
            "machine": machine(),
            "encoders": encoders(args.encodes),
            "models": {str(path): sha256(path) for path in args.models},
            "parameters": parameters,
            "packages": packages(),
        },
    )
