import multiprocessing
import os
import signal
from pathlib import Path

from app.metrics.shared_counters import SharedCounters, clear

ROUNDS = 20_000


def count(folder: Path, name: str) -> None:
    counters = SharedCounters(folder)
    place, shared = counters.slots([name]), counters.slots(["shared"])
    for _ in range(ROUNDS):
        counters.values[place] += 1
        counters.values[shared] += 1
    os.kill(os.getpid(), signal.SIGKILL)  # without a goodbye


def test_counts_of_several_processes_are_exact_even_when_they_are_killed(tmp_path: Path) -> None:
    here = SharedCounters(tmp_path)
    here.values[here.slots(["shared"])] += 7
    context = multiprocessing.get_context("spawn")
    others = [context.Process(target=count, args=(tmp_path, f"of {number}")) for number in range(3)]
    for other in others:
        other.start()
    for other in others:
        other.join()
    assert here.sums() == {"shared": 7 + 3 * ROUNDS} | {f"of {number}": ROUNDS for number in range(3)}


def test_a_new_service_starts_from_nothing_and_leaves_other_files_alone(tmp_path: Path) -> None:
    before = SharedCounters(tmp_path)
    before.values[before.slots(["a"])] += 1
    (tmp_path / "other.txt").write_text("stays")
    clear(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["other.txt"]
    assert SharedCounters(tmp_path).sums() == {}
    clear(tmp_path / "none")


def test_where_there_is_no_room_counting_goes_on_unread(tmp_path: Path) -> None:
    counters = SharedCounters(tmp_path, max_slots=100)
    for number in range(200):
        counters.values[counters.slots([f"{number} a", f"{number} b"])] += 1
    assert set(counters.sums()) == {f"{number} {letter}" for number in range(18) for letter in "ab"}
    assert set(counters.sums().values()) == {0.0, 1.0}


def test_folder_that_cannot_be_made_leaves_a_process_with_its_own_counts(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    counters = SharedCounters(tmp_path / "file" / "folder")
    counters.values[counters.slots(["a"])] += 2
    assert counters.sums() == {"a": 2}


def test_name_that_is_half_written_is_left_for_the_next_time(tmp_path: Path) -> None:
    counters, other = SharedCounters(tmp_path), SharedCounters(tmp_path)
    other.values[other.slots(["whole"])] += 1
    names = next(path for path in tmp_path.glob("*.names"))
    with names.open("a") as file:
        file.write("hal")
    assert counters.sums() == {"whole": 1}


def test_name_that_finds_no_room_on_the_disk_is_not_counted_and_shifts_no_other(tmp_path: Path) -> None:
    here, there = SharedCounters(tmp_path), SharedCounters(tmp_path)
    here.values[here.slots(["first"])] += 1
    names = next(tmp_path.glob("*.names"))
    names.rename(tmp_path / "kept")
    names.symlink_to("/dev/full")
    here.values[here.slots(["lost"])] += 2
    names.unlink()
    (tmp_path / "kept").rename(names)
    here.values[here.slots(["second"])] += 3
    assert here.sums() == there.sums() == {"first": 1, "second": 3}
