"""From an archive on a server to an imported sequence, by the workflow's own rules."""

from __future__ import annotations

import csv
import functools
import hashlib
import io
import json
import threading
import zipfile
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from running import copy_checkout, run_in

pytestmark = pytest.mark.workflow

NAME = "parkour"
TARGET = f"results/paper/davis2017/frames/{NAME}/sequence.json"


class Quiet(SimpleHTTPRequestHandler):
    """A server that knows no ranges and keeps its log to itself."""

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    folder = tmp_path / "site"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def archive(path: Path, extra: str | None = None) -> None:
    """DAVIS 2017's layout with one sequence of three frames."""
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("DAVIS/ImageSets/2017/val.txt", f"{NAME}\n")
        for index in range(3):
            picture = np.full((48, 64, 3), 40 * index, np.uint8)
            mask = Image.fromarray((np.arange(48 * 64) % 3).reshape(48, 64).astype(np.uint8))
            mask.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0])
            for name, image, form in (
                (f"JPEGImages/480p/{NAME}/{index:05d}.jpg", Image.fromarray(picture), "JPEG"),
                (f"Annotations/480p/{NAME}/{index:05d}.png", mask, "PNG"),
            ):
                file = io.BytesIO()
                image.save(file, form)
                packed.writestr(f"DAVIS/{name}", file.getvalue())
        if extra:
            packed.writestr(extra, b"not here")


def offer(folder: Path, address: str, **changes: str) -> None:
    """Let the table of downloads name the local server."""
    table = folder / "data" / "datasets.csv"
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        if row["name"] == "davis2017":
            row |= {"url": f"{address}/davis.zip", "bytes": "", "sha256": ""} | changes
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def test_a_download_becomes_a_sequence_and_is_not_fetched_again(
    tmp_path: Path, site: tuple[Path, str]
) -> None:
    served, address = site
    folder = copy_checkout(tmp_path / "checkout")
    archive(served / "davis.zip")
    content = (served / "davis.zip").read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    offer(folder, address, bytes=str(len(content)), sha256=digest)

    command = ("snakemake", "--cores", "1", TARGET, "--config", "preset=paper")
    done = run_in(folder, *command)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    about = json.loads((folder / TARGET).read_text("utf-8"))
    assert (about["frames"], about["width"], about["annotations"]) == (3, 64, "masks")
    log = (folder / "data/downloads/davis2017.log").read_text("utf-8")
    assert "licence" in log.lower() and "research use" in log

    (served / "davis.zip").unlink()
    (folder / TARGET).unlink()
    done = run_in(folder, *command)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("checksum", "sha256"),
        ("missing", "404"),
        ("outside", "../outside.txt"),
        ("other", "DAVIS/ImageSets/2017/val.txt"),
    ],
)
def test_a_failed_download_is_one_line_and_leaves_nothing(
    case: str, words: str, tmp_path: Path, site: tuple[Path, str]
) -> None:
    served, address = site
    folder = copy_checkout(tmp_path / "checkout")
    if case == "other":
        with zipfile.ZipFile(served / "davis.zip", "w") as packed:
            packed.writestr("readme.txt", b"something else")
    elif case != "missing":
        archive(served / "davis.zip", "../outside.txt" if case == "outside" else None)
    offer(folder, address, **({"sha256": "0" * 64} if case == "checksum" else {}))

    done = run_in(
        folder,
        *("snakemake", "--cores", "1", "--retries", "0", TARGET, "--config", "preset=paper"),
    )
    assert done.returncode != 0
    said = done.stdout + done.stderr
    lines = [line for line in said.splitlines() if "vcmflow stage download: error:" in line]
    assert lines and words in lines[0], said[-3000:]
    assert "Traceback" not in said
    assert not (folder / "data/davis2017").exists() and not (folder / TARGET).exists()
    assert not list(tmp_path.rglob("outside.txt"))
