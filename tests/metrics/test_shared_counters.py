import multiprocessing
import os
import signal
from pathlib import Path

from app.metrics.shared_counters import Cells, clear

ROUNDS = 20_000


def count(folder: Path, name: str) -> None:
    cells = Cells(folder)
    place, shared = cells.reserve([name]), cells.reserve(["shared"])
    for _ in range(ROUNDS):
        cells.values[place] += 1
        cells.values[shared] += 1
    os.kill(os.getpid(), signal.SIGKILL)  # without a goodbye


def test_counts_of_several_processes_are_exact_even_when_they_are_killed(tmp_path: Path) -> None:
    here = Cells(tmp_path)
    here.values[here.reserve(["shared"])] += 7
    context = multiprocessing.get_context("spawn")
    others = [context.Process(target=count, args=(tmp_path, f"of {number}")) for number in range(3)]
    for other in others:
        other.start()
    for other in others:
        other.join()
    assert here.totals() == {"shared": 7 + 3 * ROUNDS} | {f"of {number}": ROUNDS for number in range(3)}


def test_a_new_service_starts_from_nothing_and_leaves_other_files_alone(tmp_path: Path) -> None:
    before = Cells(tmp_path)
    before.values[before.reserve(["a"])] += 1
    (tmp_path / "other.txt").write_text("stays")
    clear(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["other.txt"]
    assert Cells(tmp_path).totals() == {}
    clear(tmp_path / "none")


def test_where_there_is_no_room_counting_goes_on_unread(tmp_path: Path) -> None:
    cells = Cells(tmp_path, slots=100)
    for number in range(200):
        cells.values[cells.reserve([f"{number} a", f"{number} b"])] += 1
    assert set(cells.totals()) == {f"{number} {letter}" for number in range(18) for letter in "ab"}
    assert set(cells.totals().values()) == {0.0, 1.0}


def test_folder_that_cannot_be_made_leaves_a_process_with_its_own_counts(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    cells = Cells(tmp_path / "file" / "folder")
    cells.values[cells.reserve(["a"])] += 2
    assert cells.totals() == {"a": 2}


def test_name_that_is_half_written_is_left_for_the_next_time(tmp_path: Path) -> None:
    cells, other = Cells(tmp_path), Cells(tmp_path)
    other.values[other.reserve(["whole"])] += 1
    names = next(path for path in tmp_path.glob("*.names"))
    with names.open("a") as file:
        file.write("hal")
    assert cells.totals() == {"whole": 1}


def test_name_that_finds_no_room_on_the_disk_is_not_counted_and_shifts_no_other(tmp_path: Path) -> None:
    here, there = Cells(tmp_path), Cells(tmp_path)
    here.values[here.reserve(["first"])] += 1
    names = next(tmp_path.glob("*.names"))
    names.rename(tmp_path / "kept")
    names.symlink_to("/dev/full")
    here.values[here.reserve(["lost"])] += 2
    names.unlink()
    (tmp_path / "kept").rename(names)
    here.values[here.reserve(["second"])] += 3
    assert here.totals() == there.totals() == {"first": 1, "second": 3}
