"""The training loop on the least that it can train: determinism, resumption, logs."""

from __future__ import annotations

import csv
import operator
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import Dataset

from vcmflow.core.errors import VcmflowError
from vcmflow.nets.weights import read_weights, write_weights
from vcmflow.train.loop import Machine, Output, train
from vcmflow.train.trainee import Measured, Place, Row, Schedule, warm_cosine


class Noise(Dataset[torch.Tensor]):
    """A step's pictures."""

    def __getitem__(self, step: int) -> torch.Tensor:
        return torch.rand((2, 3, 8, 10), generator=torch.Generator().manual_seed(step))


class TinyTrainee:
    """It learns the mean colour of the pictures."""

    identity = "tiny"

    def __init__(self, schedule: Schedule, stop_at: int | None, rate: float = 1e-2) -> None:
        self.schedule = schedule
        self._stop_at = stop_at
        self._rate = rate
        self._calls = 0
        with torch.random.fork_rng():
            torch.manual_seed(schedule.seed)
            self.network: nn.Module = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))

    def optimiser(self, network: nn.Module) -> torch.optim.Optimizer:
        return torch.optim.AdamW(network.parameters())

    def learning_rate(self, step: int) -> float:
        return warm_cosine(step, self.schedule.steps, 2, self._rate)

    def data(self, place: Place) -> Noise:
        assert place.world == 1
        return Noise()

    def loss(self, model: nn.Module, batch: Any, step: int, place: Place) -> Measured:
        assert place.rank == 0 and 0 <= step < self.schedule.steps
        output = model(batch)
        parts = {"level": (output - 1).square().mean(), "noise": torch.rand(()) * output.mean()}
        return Measured(sum(parts.values(), torch.zeros(())), parts, {"pictures": len(batch)})

    def warning(self, rows: Sequence[Row]) -> str | None:
        return "half-way" if rows[-1]["step"] == 4 else None

    def save(self, path: Path, network: nn.Module, counts: Mapping[str, float]) -> None:
        write_weights(path, network.state_dict(), {"counts": dict(counts)})

    def validate(self, weights: Path) -> dict[str, float]:
        self._calls += 1
        if self._stop_at is not None and self._calls > self._stop_at:
            raise KeyboardInterrupt
        return {"size": float(weights.stat().st_size)}


def run(folder: Path, schedule: Schedule, stop_at: int | None = None) -> tuple[bytes, bytes]:
    out = Output(folder / "w.safetensors", folder / "log.csv", folder / "checkpoint.pt", every=2)
    train("tiny", TinyTrainee(schedule, stop_at), Machine(), out)
    return out.weights.read_bytes(), out.log.read_bytes()


def test_groups_of_parameters_have_shares_of_the_learning_rate(tmp_path: Path) -> None:
    class Shared(TinyTrainee):
        def optimiser(self, network: nn.Module) -> torch.optim.Optimizer:
            still, fast = network.children()
            groups = [
                {"params": still.parameters(), "share": 0},
                {"params": fast.parameters(), "share": 3},
            ]
            return torch.optim.Adam(groups, lr=1.0)

    trainee = Shared(Schedule(steps=1, seed=0), None, rate=0.02)
    before = [value.detach().clone() for value in trainee.network.parameters()]
    out = Output(tmp_path / "w.safetensors", tmp_path / "log.csv", tmp_path / "checkpoint.pt")
    train("tiny", trainee, Machine(), out)
    moved = [
        float((now - then).detach().abs().max())
        for then, now in zip(before, trainee.network.parameters(), strict=True)
    ]
    # The first of two steps until the peak, which is Adam's whole step.
    assert moved == pytest.approx([0, 0, 0.03, 0.03], rel=1e-2)


SCHEDULE = Schedule(steps=9, seed=4, log_every=2, validate_every=3, average=0.99, clip=5.0)


def test_same_seed_same_bytes_other_seed_other_weights(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = []
    for name, seed in (("a", 4), ("b", 4), ("c", 5)):
        (tmp_path / name).mkdir()
        runs.append(run(tmp_path / name, replace(SCHEDULE, seed=seed)))
    assert runs[0] == runs[1]
    assert runs[0][0] != runs[2][0]
    rows = list(csv.DictReader(runs[0][1].decode().splitlines()))
    assert [row["step"] for row in rows] == ["2", "3", "4", "6", "8", "9"]
    assert [row["pictures"] for row in rows] == ["4", "6", "8", "12", "16", "18"]
    assert rows[0]["validation_size"] == "" and rows[-1]["validation_size"] != ""
    for row in rows:
        parts = float(row["level"]) + float(row["noise"])
        assert float(row["loss"]) == pytest.approx(parts, rel=1e-5)
    assert capsys.readouterr().err.count("warning: half-way") == 3


@pytest.mark.parametrize("stop_at", [0, 1, 2])
@pytest.mark.parametrize("average", [0.0, 0.99])
def test_an_interrupted_run_ends_as_if_it_had_not_been(
    stop_at: int, average: float, tmp_path: Path
) -> None:
    schedule = replace(SCHEDULE, average=average)
    (tmp_path / "whole").mkdir()
    (tmp_path / "cut").mkdir()
    whole = run(tmp_path / "whole", schedule)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "cut", schedule, stop_at)
    assert (tmp_path / "cut" / "checkpoint.pt").is_file()
    assert run(tmp_path / "cut", schedule) == whole
    assert not (tmp_path / "cut" / "checkpoint.pt").exists()


class Downhill(TinyTrainee):
    """One value whose gradient is always 4, so that its way is known: -4 times the rates so far."""

    def __init__(self, schedule: Schedule, rate: float) -> None:
        super().__init__(schedule, None, rate)
        self.network = nn.Linear(1, 1, bias=False)
        nn.init.zeros_(self.network.weight)

    def optimiser(self, network: nn.Module) -> torch.optim.Optimizer:
        return torch.optim.SGD(network.parameters(), lr=1000)

    def loss(self, model: nn.Module, *_: object) -> Measured:
        value = model(torch.ones(1, 1)).sum()
        return Measured(4 * value, {"drawn": torch.rand(()), "threads": torch.get_num_threads()})


def downhill(folder: Path, schedule: Schedule, rate: float = 1e-2) -> tuple[float, Downhill]:
    """Train; the value that is stored."""
    trainee = Downhill(schedule, rate)
    out = Output(folder / "w.safetensors", folder / "log.csv", folder / "checkpoint.pt")
    train("downhill", trainee, Machine(threads=3), out)
    return float(read_weights(out.weights)[0]["weight"]), trainee


def test_every_step_goes_by_its_rate(tmp_path: Path) -> None:
    stored, trainee = downhill(tmp_path, Schedule(steps=6, seed=0))
    rates = [trainee.learning_rate(step) for step in range(6)]
    assert len(set(rates)) > 3
    assert stored == pytest.approx(-4 * sum(rates))


def test_the_gradient_is_clipped_to_its_largest_norm(tmp_path: Path) -> None:
    stored, trainee = downhill(tmp_path, Schedule(steps=6, seed=0, clip=1.0))
    assert stored == pytest.approx(-sum(trainee.learning_rate(step) for step in range(6)))


def test_a_loss_that_is_no_number_stops_the_training(tmp_path: Path) -> None:
    with pytest.raises(VcmflowError, match="the loss is -inf at step 2; lower learning_rate"):
        downhill(tmp_path, Schedule(steps=6, seed=0), rate=1e38)
    assert not (tmp_path / "w.safetensors").exists()


@pytest.mark.parametrize(
    ("average", "shares"),
    [
        (0.1, [0.9 * 0.1**age for age in range(4)]),  # of the values, newest first
        (0.99, [9 / 13, 4 / 13 * 9 / 12, 4 / 13 * 3 / 12 * 9 / 11, 4 / 13 * 3 / 12 * 2 / 11 * 0.9]),
    ],
)
def test_the_running_average_is_what_is_stored(
    average: float, shares: list[float], tmp_path: Path
) -> None:
    """It begins short, so that it soon forgets the untrained network."""
    stored, trainee = downhill(tmp_path, Schedule(steps=4, seed=0, average=average))
    values = [-4 * sum(trainee.learning_rate(t) for t in range(end)) for end in (4, 3, 2, 1)]
    assert stored == pytest.approx(sum(map(operator.mul, shares, values)), rel=1e-5)


def test_seed_and_step_decide_what_is_drawn(tmp_path: Path) -> None:
    def drawn(seed: int) -> list[str]:
        downhill(tmp_path, Schedule(steps=3, seed=seed, log_every=1))
        rows = list(csv.DictReader((tmp_path / "log.csv").read_text().splitlines()))
        assert [row["threads"] for row in rows] == ["3"] * 3
        return [row["drawn"] for row in rows]

    first = drawn(1)
    assert drawn(1) == first
    assert len({*first, *drawn(2)}) == 6


def test_a_checkpoint_of_another_run_is_passed_over_and_a_damaged_one_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, SCHEDULE, stop_at=1)
    (tmp_path / "other").mkdir()
    other = replace(SCHEDULE, clip=1e-3)
    expected = run(tmp_path / "other", other)
    assert run(tmp_path, other) == expected
    assert "training starts anew" in capsys.readouterr().err
    (tmp_path / "checkpoint.pt").write_bytes(b"PK")
    with pytest.raises(VcmflowError, match="damaged checkpoint"):
        run(tmp_path, SCHEDULE)


def test_the_rate_rises_then_falls_to_its_floor() -> None:
    rates = [warm_cosine(step, 100, 5, 2.0, 0.01) for step in range(101)]
    assert rates[0] == pytest.approx(0.4) and rates[4] == pytest.approx(2.0)
    assert rates[5] == pytest.approx(2.0) and rates[100] == pytest.approx(0.02)
    assert all(first >= second for first, second in pairwise(rates[5:]))
