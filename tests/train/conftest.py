"""Tiny videos to train on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from train_clips import moving_texture, write_clip


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def videos(tmp_path_factory):
    """Seven videos in two formats and two folders, a corrupt and a too short one, and notes."""
    folder = tmp_path_factory.mktemp("videos")
    for number in range(4):
        write_clip(folder / "juggling" / f"{number}.mp4", moving_texture(number))
    for number in range(4, 7):
        write_clip(folder / "reading" / f"{number}.mkv", moving_texture(number, 20), "mpeg4")
    write_clip(folder / "reading" / "short.mp4", moving_texture(8, 1))
    (folder / "reading" / "corrupt.webm").write_bytes(b"no video" * 50)
    (folder / "notes.txt").write_text("nothing to see")
    return folder
