"""Opens zip archives of strangers. Nothing is unpacked to disk, and everything is bounded before it is unpacked.

What the archive's directory declares bounds the work, as long as files are read with a size: zipfile's `read()` without
one lets zlib unpack up to 2 GiB, and only then cuts the result to the declared size.
"""

import io
import re
import stat
import struct
import sys
import zipfile
import zlib
from collections import Counter
from typing import BinaryIO

from models.errors import ArchiveRefused, ArchiveTooLarge, PictureRefused, PictureTooLarge

MAX_DIRECTORY_BYTES = 8 * 2**20  # of the archive's list of files; some 60,000 files, 100 MB once it is parsed
MAX_FILES = 10_000
MAX_UNPACKED_BYTES = 2**30  # of all files together
MAX_PICTURE_BYTES = 32 * 2**20  # of one picture, unpacked
MAX_RATIO = 200  # of a file of more than MIN_BOMB_BYTES, unpacked to packed; of a drawing as BMP it is about 50
MIN_BOMB_BYTES = 2**20
MAX_SHOWN_NAME_LENGTH = 200

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # zipfile unpacks the others without a bound
IS_ENCRYPTED = 0x1  # in the flags of a file
IRREGULAR = (stat.S_IFLNK, stat.S_IFIFO, stat.S_IFSOCK, stat.S_IFCHR, stat.S_IFBLK)
IGNORED = re.compile(r"(?:^|/)(?:__MACOSX/.*|\.[^/]*|Thumbs\.db|desktop\.ini)$")  # what file managers add
DRIVE = re.compile(r"[A-Za-z]:")
ZIP_ERRORS = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError, OverflowError, NotImplementedError,
    RuntimeError,
)  # fmt: skip


def open_archive(file: BinaryIO) -> tuple[zipfile.ZipFile, list[zipfile.ZipInfo]]:
    """Returns the archive and its files, in the order of their names; what file managers add is left out.

    Raises ArchiveRefused for a damaged archive, a path that is absolute or climbs or is there twice, a link and a bomb;
    ArchiveTooLarge past the number of files or bytes.
    """
    bounded = _BoundedReads(file, MAX_DIRECTORY_BYTES)
    try:
        archive = zipfile.ZipFile(bounded)
    except ArchiveTooLarge:
        raise
    except ZIP_ERRORS as error:
        raise ArchiveRefused(f"The zip archive cannot be read: {describe(error)}.") from error
    bounded.max_bytes = sys.maxsize  # what follows is bounded by what the directory declares
    entries = archive.infolist()
    for entry in entries:
        _require_safe(entry)
    files = [entry for entry in entries if not entry.is_dir() and not IGNORED.search(path_of(entry))]
    if len(files) > MAX_FILES:
        raise ArchiveTooLarge(
            f"The archive holds {len(files):,} files, more than {MAX_FILES:,}. Divide it into several data sets."
        )
    paths = Counter(path_of(entry) for entry in files)
    if len(paths) < len(files):
        name = show_name(paths.most_common(1)[0][0])
        raise ArchiveRefused(f"The archive holds several files of the path {name!r}. Give each its own name.")
    unpacked = sum(entry.file_size for entry in files)
    if unpacked > MAX_UNPACKED_BYTES:
        raise ArchiveTooLarge(
            f"The archive unpacks to {unpacked:,} bytes, more than {MAX_UNPACKED_BYTES:,}. Send fewer or smaller files."
        )
    return archive, sorted(files, key=lambda entry: entry.filename)


def describe(error: Exception) -> str:
    """What is wrong with an archive; zlib's own words are numbers of its insides."""
    return "its packed bytes are damaged" if isinstance(error, zlib.error) else str(error)


def path_of(entry: zipfile.ZipInfo) -> str:
    """The path of a file in its archive, with slashes also where a program of Windows has written backslashes."""
    return entry.filename.replace("\\", "/")


def show_name(name: str) -> str:
    """A file's name as it can be shown and stored: printable, and not too long."""
    return as_printable(name[-MAX_SHOWN_NAME_LENGTH:])


def as_printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def read_picture(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """Raises PictureRefused if the file is damaged or packed in a way that is not read, PictureTooLarge."""
    if entry.file_size > MAX_PICTURE_BYTES:
        raise PictureTooLarge(f"It has {entry.file_size:,} bytes, more than {MAX_PICTURE_BYTES:,}.")
    try:
        with open_file(archive, entry) as file:
            content = file.read(entry.file_size)
            if len(content) < entry.file_size:  # more than that zipfile never returns
                raise PictureRefused("It is damaged: it has not the bytes that the archive declares.")
            return content
    except ArchiveRefused as error:
        raise PictureRefused(str(error)) from error
    except ZIP_ERRORS as error:
        raise PictureRefused(f"It cannot be unpacked: {describe(error)}.") from error


def open_file(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> BinaryIO:
    """Returns a file of the archive, to be read with a size. Raises ArchiveRefused."""
    if entry.flag_bits & IS_ENCRYPTED:
        raise ArchiveRefused("It is encrypted. Pack it without a password.")
    if entry.compress_type not in METHODS:
        raise ArchiveRefused("It is packed by a method that is not read here. Pack it with deflate.")
    try:
        return archive.open(entry)  # type: ignore[return-value]
    except ZIP_ERRORS as error:
        raise ArchiveRefused(f"It cannot be unpacked: {describe(error)}.") from error


def _require_safe(entry: zipfile.ZipInfo) -> None:
    path, name = path_of(entry), show_name(entry.filename)
    if path.startswith("/") or DRIVE.match(path) or ".." in path.split("/"):
        raise ArchiveRefused(
            f"The archive holds a path that leads out of it: {name!r}. Pack the folders 0 to 9 themselves."
        )
    if stat.S_IFMT(entry.external_attr >> 16) in IRREGULAR:
        raise ArchiveRefused(f"The archive holds a link or a device: {name!r}. Pack the files themselves.")
    if entry.file_size > max(MIN_BOMB_BYTES, MAX_RATIO * entry.compress_size):
        raise ArchiveRefused(
            f"{name!r} unpacks to more than {MAX_RATIO} times its size, as no picture does. Save it as a PNG."
        )


class _BoundedReads(io.BufferedIOBase):
    """A file of which at most `max_bytes` are read at once: zipfile reads the directory of an archive in one call."""

    def __init__(self, file: BinaryIO, max_bytes: int) -> None:
        self._file, self.max_bytes = file, max_bytes
        self._size = file.seek(0, io.SEEK_END)

    def read(self, size: int | None = -1, /) -> bytes:
        left = self._size - self._file.tell()
        wanted = left if size is None or size < 0 else min(size, left)
        if wanted > self.max_bytes:
            raise ArchiveTooLarge(
                f"The archive's list of files takes {wanted:,} bytes, more than {self.max_bytes:,}. Send fewer files."
            )
        return self._file.read(max(0, wanted))

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True
