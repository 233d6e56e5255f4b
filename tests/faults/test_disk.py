"""Disks that are full, and checkpoints that are not what was written."""

import os
from pathlib import Path

import pytest

from app.jobs import runs
from tests.e2e.conftest import wait_for
from tests.faults.parts import SPEC, Parts
from tests.faults.processes import suspended


def test_disk_that_is_full_for_a_while_costs_a_training_nothing(two_workers: Parts) -> None:
    if not os.path.ismount(two_workers.artifacts):
        message = "a small disk to fill can be mounted by root only"
        pytest.fail(message) if os.environ.get("CI") == "true" else pytest.skip(message)
    job_id, runner = two_workers.start_training(epochs_done=1)
    filler = two_workers.artifacts / "filler"
    try:
        fill(filler)
        wait_for(lambda: "is full; free some space" in runner.log.read_text(), seconds=20)
        before = len(two_workers.event_data(job_id, "epoch"))
        assert not list(two_workers.artifacts.rglob("*.part"))
    finally:
        filler.unlink()
    two_workers.require_same_answer(job_id, attempt=1)
    assert before < SPEC["epochs"]


def fill(file: Path) -> None:
    """Leave not a byte on the disk."""
    for size in (2**20, 2**12):
        with pytest.raises(OSError, match="No space left"):
            grow(file, size)


def grow(file: Path, size: int) -> None:
    with file.open("ab", buffering=0) as filler:
        while True:
            filler.write(bytes(size))


def test_damaged_checkpoints_are_found_by_their_hash_and_the_one_before_is_used(two_workers: Parts) -> None:
    job_id, runner = two_workers.start_training(epochs_done=3)
    with suspended([child := runner.child()]):
        newest, second, third, *_ = runs.checkpoints(two_workers.sessions, job_id)
        file = two_workers.artifacts / newest.artifact
        os.truncate(file, file.stat().st_size // 2)
        file = two_workers.artifacts / second.artifact
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1  # one bit
        file.write_bytes(content)
        child.kill()
    two_workers.require_same_answer(job_id, attempt=2)
    truncated, altered, resumed = [data["message"] for data in two_workers.event_data(job_id, "log")]
    for message, checkpoint in ((truncated, newest), (altered, second)):
        assert checkpoint.artifact in message
        assert "damaged: its sha256 has changed. The one before it is tried." in message
    assert resumed.startswith(f"Resumed at batch {third.step} of ")


def test_checkpoint_that_is_gone_costs_its_epoch_only(two_workers: Parts) -> None:
    job_id, runner = two_workers.start_training(epochs_done=2)
    with suspended([child := runner.child()]):
        newest, before, *_ = runs.checkpoints(two_workers.sessions, job_id)
        (two_workers.artifacts / newest.artifact).unlink()
        child.kill()
    two_workers.require_same_answer(job_id, attempt=2)
    assert two_workers.event_data(job_id, "log")[-1]["message"].startswith(f"Resumed at batch {before.step} of ")
