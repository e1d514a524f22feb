"""Whatever is changed, killed and changed back: the state is that of a fresh run."""

from __future__ import annotations

import time

import pytest
import yaml
from breaking import SMALL, Run

pytestmark = pytest.mark.faults

CHANGES = [
    {},
    {"encode": {"ladder": [32, 42]}},
    {"encode": {"codecs": {"vvenc_ra": {"preset": "fast"}}}},
    {"data": {"datasets": {"davis": {"keep_every": 2}}}},
    {"reconstruct": {"reconstructors": {"interpolation": {"reconstructor": "blend"}}}},
]


def configure(run: Run, change: dict[str, object]) -> None:
    from vcmflow.config.load import overlay

    change = {"figures": {"shown_point": 42}} | change
    (run.folder / "small.yaml").write_text(yaml.safe_dump(overlay(SMALL, change)), "utf-8")


def test_soak(fresh, undisturbed, tmp_path, chance, tell, request) -> None:
    rounds = request.config.getoption("--rounds")
    finished: dict[int, Run] = {}
    run = fresh.copy(tmp_path / "run")
    for _ in range(rounds):
        kind = chance.randrange(len(CHANGES))
        configure(run, CHANGES[kind])
        if chance.random() < 0.5:
            process = run.start()
            time.sleep(chance.uniform(0.3, undisturbed.seconds))
            process.kill()
            process.communicate()
            assert run.gone()
        if chance.random() < 0.3:
            continue  # another change comes before this one is finished
        status, said = run.finish()
        assert status == 0, said[-3000:]
        if kind not in finished:
            other = finished[kind] = fresh.copy(tmp_path / f"fresh-{kind}")
            configure(other, CHANGES[kind])
            assert other.finish()[0] == 0
        there, expected = run.state(), finished[kind].state()
        assert {name: there.get(name) for name in expected} == expected
    tell("random changes, kills and reverts, one after the other",
         "the state of a fresh run each time", f"so, {rounds} rounds")  # fmt: skip
