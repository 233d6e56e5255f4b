import io
import stat
import struct
import tracemalloc
import zipfile

import pytest

from models.datasets import archives
from models.datasets.archives import open_archive, read_picture
from models.errors import ArchiveRefused, ArchiveTooLarge, PictureRefused, PictureTooLarge
from tests.uploads import make_zip


def open_zip(content: bytes) -> tuple[zipfile.ZipFile, list[zipfile.ZipInfo]]:
    return open_archive(io.BytesIO(content))


def special(name: str, mode: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.create_system, entry.external_attr = 3, mode << 16
    return entry


def test_files_are_listed_without_what_file_managers_add() -> None:
    names = ["7/b.png", "7/a.png", "__MACOSX/7/._a.png", "7/.DS_Store", "Thumbs.db", "7/"]
    archive, entries = open_zip(make_zip(dict.fromkeys(names, b"x")))
    assert [entry.filename for entry in entries] == ["7/a.png", "7/b.png"]
    assert read_picture(archive, entries[0]) == b"x"


@pytest.mark.parametrize(
    "name", ["../7/a.png", "7/../../a.png", "/etc/passwd", "C:/7/a.png", "7\\..\\..\\a.png", "\\a"]
)
def test_path_that_leads_out_of_the_archive_is_refused(name: str) -> None:
    with pytest.raises(ArchiveRefused, match="leads out of it") as caught:
        open_zip(make_zip({"7/a.png": b"x", name: b"x"}))
    assert not isinstance(caught.value, ArchiveTooLarge)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("second", ["7/a.png", "7\\a.png"])
def test_two_files_of_one_path_are_refused(second: str) -> None:
    with pytest.raises(ArchiveRefused, match=r"several files of the path '7/a\.png'"):
        open_zip(make_zip([("7/a.png", b"x"), (second, b"y"), ("7/b.png", b"z")]))


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_link_and_device_are_refused(kind: int) -> None:
    with pytest.raises(ArchiveRefused, match="a link or a device"):
        open_zip(make_zip([(special("7/a.png", kind | 0o777), b"/etc/passwd")]))


def test_ordinary_file_of_a_unix_archive_is_not_refused() -> None:
    assert len(open_zip(make_zip([(special("7/a.png", stat.S_IFREG | 0o644), b"x")]))[1]) == 1


def test_bomb_is_refused_before_it_is_unpacked() -> None:
    with pytest.raises(ArchiveRefused, match="200 times its size"):
        open_zip(make_zip({"7/a.png": bytes(5 * 2**20)}))


def test_file_that_declares_less_than_it_unpacks_to_is_not_unpacked_any_further() -> None:
    content = bytearray(make_zip({"7/a.png": bytes(10_000)}))
    for head, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        start = content.index(head) + offset
        content[start : start + 4] = struct.pack("<I", 100)
    archive, entries = open_zip(bytes(content))
    with pytest.raises(PictureRefused, match="cannot be unpacked"):
        read_picture(archive, entries[0])


def test_bomb_that_declares_less_takes_no_more_memory_than_it_declares() -> None:
    content = bytearray(make_zip({"7/a.png": bytes(64 * 2**20)}))
    start = content.rindex(b"PK\x01\x02") + 24
    content[start : start + 4] = struct.pack("<I", 1_000_000)
    archive, entries = open_zip(bytes(content))
    tracemalloc.start()
    try:
        with pytest.raises(PictureRefused, match="cannot be unpacked"):
            read_picture(archive, entries[0])
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 4_000_000


def test_file_with_fewer_bytes_than_declared_is_refused() -> None:
    content = bytearray(make_zip({"7/a.png": b"x" * 1000}))
    start = content.rindex(b"PK\x01\x02") + 24
    content[start : start + 4] = struct.pack("<I", 2000)
    archive, entries = open_zip(bytes(content))
    with pytest.raises(PictureRefused, match="has not the bytes that the archive declares"):
        read_picture(archive, entries[0])


def test_too_many_files_and_too_many_bytes_are_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    content = make_zip({f"7/{number}": b"0123456789" for number in range(4)})
    monkeypatch.setattr(archives, "MAX_FILES", 3)
    with pytest.raises(ArchiveTooLarge, match="4 files, more than 3"):
        open_zip(content)
    monkeypatch.setattr(archives, "MAX_FILES", 4)
    monkeypatch.setattr(archives, "MAX_UNPACKED_BYTES", 39)
    with pytest.raises(ArchiveTooLarge, match="unpacks to 40 bytes, more than 39"):
        open_zip(content)


def test_directory_is_bounded_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    content = make_zip({f"7/{number}": b"" for number in range(2000)})
    monkeypatch.setattr(archives, "MAX_DIRECTORY_BYTES", 90_000)
    with pytest.raises(ArchiveTooLarge, match="list of files takes"):
        open_zip(content)


def test_picture_of_too_many_bytes_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    archive, entries = open_zip(make_zip({"7/a.png": b"0123456789"}))
    monkeypatch.setattr(archives, "MAX_PICTURE_BYTES", 9)
    with pytest.raises(PictureTooLarge, match="10 bytes, more than 9"):
        read_picture(archive, entries[0])


def test_encrypted_and_differently_packed_files_are_refused_one_by_one() -> None:
    content = bytearray(make_zip({"7/a.png": b"x", "7/b.png": b"x"}))
    second = content.rindex(b"PK\x01\x02")
    content[second + 8] |= 1
    archive, entries = open_zip(bytes(content))
    assert read_picture(archive, entries[0]) == b"x"
    with pytest.raises(PictureRefused, match="encrypted"):
        read_picture(archive, entries[1])
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_LZMA) as packed:
        packed.writestr("7/a.png", b"x" * 1000)
    archive, entries = open_zip(file.getvalue())
    with pytest.raises(PictureRefused, match="Pack it with deflate"):
        read_picture(archive, entries[0])


@pytest.mark.parametrize(
    "content", [b"PK\x03\x04 and no more", make_zip({"7/a.png": b"x" * 100})[:-30]], ids=["head alone", "end missing"]
)
def test_damaged_archive_is_refused(content: bytes) -> None:
    with pytest.raises(ArchiveRefused, match="cannot be read"):
        open_zip(content)


def test_damaged_file_is_refused_alone() -> None:
    content = bytearray(make_zip({"7/a.png": bytes(range(256)) * 4}))
    content[50] ^= 0xFF
    archive, entries = open_zip(bytes(content))
    with pytest.raises(PictureRefused, match="cannot be unpacked"):
        read_picture(archive, entries[0])
