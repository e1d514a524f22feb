"""What looks at original frames with a model takes a batch of sequences with one loaded model."""

from __future__ import annotations

from planning import plan


def test_every_coded_sequence_is_in_one_batch_as_long_as_asked_for() -> None:
    found = plan(change={"task": {"sequences_per_job": 6}})
    batches = found.batches()
    assert {len(batch.sequences) for batch in batches} == {6}
    for name, dataset in found.grid.items():
        of_dataset = [batch for batch in batches if batch.dataset == name]
        assert [s for batch in of_dataset for s in batch.sequences] == list(dataset.sequences)
        for batch in of_dataset:
            assert batch.name == f"_{name}_{batch.place}"
            assert {dataset.part_of(sequence) for sequence in batch.sequences} == {batch.place}


def test_one_sequence_per_job_is_a_wildcard() -> None:
    (batch,) = plan(change={"task": {"sequences_per_job": 1}}).batches()
    assert (batch.name, batch.dataset, batch.sequences) == ("", "{dataset}", ("{sequence}",))
