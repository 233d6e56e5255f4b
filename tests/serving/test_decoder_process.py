import io
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.errors import ClientGone, DeadlineExceeded, DecoderUnavailable
from app.serving import decoder_process
from app.serving.decoder_process import DecoderProcess
from app.serving.request_context import RequestContext
from models.errors import PictureRefused, PictureTooLarge
from models.pictures.decoder_program import ANSWER, COLOUR
from models.pictures.decoding import decode
from models.pictures.opening import open_picture
from tests.limits.pictures import WEBP_OF_34_BYTES, jpeg, png, run_length_bmp

PATIENT = RequestContext()
SLOW = run_length_bmp(5_000_000, 3000)  # over a second of CPU time


@pytest.fixture
def decoder() -> Iterator[DecoderProcess]:
    decoder = DecoderProcess(max_seconds=30)
    yield decoder
    decoder.close()


def encode(picture: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def coloured(width: int, height: int) -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 255, (height // 20, width // 20, 3), np.uint8)
    return Image.fromarray(pixels).resize((width, height))


def exif(orientation: int) -> Image.Exif:
    found = Image.Exif()
    found[0x0112] = orientation
    return found


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "1", "LA"])
@pytest.mark.parametrize("size", [(40, 60), (2000, 1400)])
def test_decodes_as_the_function_does(decoder: DecoderProcess, mode: str, size: tuple[int, int]) -> None:
    for content in (
        encode(coloured(*size).convert(mode), "PNG"),
        encode(coloured(*size).convert("L" if mode == "L" else "RGB"), "JPEG", progressive=True, exif=exif(6)),
    ):
        expected, found = decode(open_picture(content)), decoder.decode(content, PATIENT)
        assert (found.size, found.reduction, found.upright.mode) == (
            expected.size,
            expected.reduction,
            expected.upright.mode,
        )
        assert found.upright.tobytes() == expected.upright.tobytes()


def test_refuses_in_the_same_words_and_goes_on(decoder: DecoderProcess) -> None:
    decoder.decode(png(30, 30), PATIENT)
    first = decoder.pid
    for content in (b"no picture", png(300, 300)[:200], jpeg(5000), png(9000, 9000)):
        with pytest.raises(PictureRefused) as refused:
            decoder.decode(content, PATIENT)
        assert str(refused.value).endswith((".", ")."))
        assert isinstance(refused.value, PictureTooLarge) == (len(content) == len(png(9000, 9000)))
    assert decoder.pid == first


def test_picture_that_takes_too_long_ends_with_its_process() -> None:
    decoder = DecoderProcess(max_seconds=0.3)
    try:
        decoder.decode(png(30, 30), PATIENT)
        first, start = decoder.pid, time.monotonic()
        with pytest.raises(PictureRefused, match=r"longer than 0\.3 s"):
            decoder.decode(SLOW, PATIENT)
        assert time.monotonic() - start < 3
        assert not is_alive(first)
        assert decoder.decode(png(30, 30), PATIENT).size == (30, 30)  # by the next one
        assert decoder.pid != first
    finally:
        decoder.close()


def test_client_that_disconnects_ends_the_work(decoder: DecoderProcess) -> None:
    decoder.decode(png(30, 30), PATIENT)
    first, start = decoder.pid, time.monotonic()
    with pytest.raises(ClientGone):
        decoder.decode(SLOW, RequestContext(None, lambda: time.monotonic() > start + 0.2))
    assert not is_alive(first)
    decoder.decode(png(30, 30), PATIENT)
    with pytest.raises(DeadlineExceeded):
        decoder.decode(SLOW, RequestContext(time.monotonic() + 0.2))
    assert decoder.decode(png(30, 30), PATIENT).size == (30, 30)


def test_process_that_is_killed_is_a_picture_refused_and_a_new_process(decoder: DecoderProcess) -> None:
    decoder.decode(png(30, 30), PATIENT)
    killer = threading.Timer(0.2, os.kill, (decoder.pid, signal.SIGSEGV))
    killer.start()
    with pytest.raises(PictureRefused, match="ended the process"):
        decoder.decode(SLOW, PATIENT)
    killer.join()
    assert decoder.decode(png(30, 30), PATIENT).size == (30, 30)


def test_memory_has_a_limit_of_the_system(decoder: DecoderProcess) -> None:
    decoder.decode(png(30, 30), PATIENT)
    with pytest.raises(PictureRefused):
        decoder.decode(WEBP_OF_34_BYTES, PATIENT)  # `examine` would not have let it through: it takes a gigabyte
    assert decoder.decode(png(30, 30), PATIENT).size == (30, 30)


def test_runs_without_end_are_refused_after_seconds(decoder: DecoderProcess) -> None:
    start = time.process_time()
    with pytest.raises(PictureRefused, match="small parts"):
        decoder.decode(run_length_bmp(30_000_000, 5000), PATIENT)
    assert time.process_time() - start < 1  # not in this process


@pytest.mark.parametrize(
    "answer",
    [
        ANSWER.pack(COLOUR, 1.0, 9, 9, 2**31, 2**31, 2**40),
        ANSWER.pack(COLOUR, 1.0, 9, 9, 9, 9, 9),
        ANSWER.pack(COLOUR, float("nan"), 9, 9, 9, 9, 243),
        ANSWER.pack(b"?", 1.0, 9, 9, 9, 9, 243),
        ANSWER.pack(b"R", 1.0, 9, 9, 9, 9, 2**40),
    ],
)
def test_answer_that_the_program_never_gives_is_not_believed(answer: bytes) -> None:
    with pytest.raises(ValueError, match="not an answer"):
        decoder_process._interpret(ANSWER.unpack(answer), bytes)


def test_process_that_cannot_start_is_no_fault_of_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    decoder = DecoderProcess(max_seconds=1)
    monkeypatch.setattr(decoder_process.sys, "executable", "/nowhere/python")
    with pytest.raises(DecoderUnavailable):
        decoder.decode(png(30, 30), PATIENT)
    monkeypatch.setattr(decoder_process.sys, "executable", "/bin/false")
    with pytest.raises(DecoderUnavailable):
        decoder.decode(png(30, 30), PATIENT)
    decoder.close()


def test_process_is_small_and_knows_no_secret(decoder: DecoderProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMERAL_DATABASE_URL", "postgresql://user:secret@host/numeral")
    decoder.decode(png(30, 30), PATIENT)
    folder = Path(f"/proc/{decoder.pid}")
    assert b"secret" not in (folder / "environ").read_bytes()
    libraries = (folder / "maps").read_text()
    assert "onnxruntime" not in libraries
    assert "pydantic" not in libraries
    files = [os.readlink(file) for file in (folder / "fd").iterdir()]
    assert not [file for file in files if file.startswith("socket")]
    status = (folder / "status").read_text()
    anonymous = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon"))
    assert anonymous < 40_000  # 17 MB


def test_closing_ends_what_is_being_decoded() -> None:
    decoder = DecoderProcess(max_seconds=30)
    decoder.decode(png(30, 30), PATIENT)
    pid, start = decoder.pid, time.monotonic()
    closer = threading.Timer(0.2, decoder.close)
    closer.start()
    with pytest.raises(PictureRefused):
        decoder.decode(SLOW, PATIENT)
    closer.join()
    assert time.monotonic() - start < 3
    assert not is_alive(pid)
    with pytest.raises(DecoderUnavailable):
        decoder.decode(png(30, 30), PATIENT)


def is_alive(pid: int | None) -> bool:
    return Path(f"/proc/{pid}").exists()
