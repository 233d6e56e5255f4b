"""Decodes pictures in a process of its own, which can be killed and whose memory is bounded.

`python -m models.pictures.decoder_program SECONDS` reads pictures from its input, each after its length, and writes
an answer for each. It ends with its input, and at once if a picture takes longer than SECONDS.
"""

import contextlib
import logging
import os
import resource
import signal
import struct
import sys
import warnings
from collections.abc import Iterator
from typing import BinaryIO

from models.errors import ModelError, PictureTooLarge
from models.pictures.decoding import Decoded, decode
from models.pictures.encoded import MAX_DECODING_BYTES, require_few_scans
from models.pictures.opening import FORMATS, ISOLATED_FORMATS, load_isolated_formats, open_picture

READY = b"+"  # the first thing that it writes
LENGTH = struct.Struct("<Q")
ANSWER = struct.Struct("<cdIIIIQ")  # kind, reduction, size of the original, size of what follows, its bytes
GREY, COLOUR = b"L", b"C"  # pixels of modes L and RGB follow
REFUSED, TOO_LARGE = b"R", b"T"  # a sentence follows

MAX_READS = 4_000_000  # as of opening.py: 2 s of CPU time
OWN_BYTES = 160 * 2**20  # for Python, NumPy, and the encoded picture, which Pillow may copy
NICENESS = 5  # the predictions of others come first


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):  # they are for its parent, which still answers what it has begun
        signal.signal(number, signal.SIG_IGN)
    with contextlib.suppress(ValueError, OSError):  # a system that has no such limit
        resource.setrlimit(resource.RLIMIT_DATA, (OWN_BYTES + MAX_DECODING_BYTES,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(NICENESS)
    _silence_libraries()
    load_isolated_formats()
    seconds, output = float(sys.argv[1]), sys.stdout.buffer
    output.write(READY)
    output.flush()
    for content in _read_pictures(sys.stdin.buffer):
        signal.setitimer(signal.ITIMER_REAL, seconds)  # SIGALRM ends a process that does not expect it
        for part in _answer(content):
            output.write(part)
        output.flush()
        signal.setitimer(signal.ITIMER_REAL, 0)
        del content


def _silence_libraries() -> None:
    """Keep out of the service's log what Pillow and libtiff say about damaged pictures, line for line."""
    logging.disable()
    warnings.simplefilter("ignore")
    sys.stderr = os.fdopen(os.dup(2), "w")  # for errors of this program
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    os.close(nothing)


def _read_pictures(source: BinaryIO) -> Iterator[bytes]:
    while len(length := source.read(LENGTH.size)) == LENGTH.size:
        yield source.read(LENGTH.unpack(length)[0])


def _answer(content: bytes) -> tuple[bytes, bytes]:
    try:
        return _write(_decode(content))
    except MemoryError:
        return _write_error(REFUSED, "There is not enough memory to decode the picture. Send a smaller one.")
    except ModelError as error:
        return _write_error(TOO_LARGE if isinstance(error, PictureTooLarge) else REFUSED, str(error))


def _decode(content: bytes) -> Decoded:
    picture = open_picture(content, max_reads=MAX_READS, formats=FORMATS + ISOLATED_FORMATS)
    require_few_scans(picture, content)
    return decode(picture)


def _write(decoded: Decoded) -> tuple[bytes, bytes]:
    kind = GREY if decoded.upright.mode == "L" else COLOUR
    pixels = decoded.upright.tobytes()
    return ANSWER.pack(kind, decoded.reduction, *decoded.size, *decoded.upright.size, len(pixels)), pixels


def _write_error(kind: bytes, sentence: str) -> tuple[bytes, bytes]:
    content = sentence.encode()
    return ANSWER.pack(kind, 0.0, 0, 0, 0, 0, len(content)), content


if __name__ == "__main__":
    main()
