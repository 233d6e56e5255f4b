"""A process that can open no more files never calls a good picture bad."""

import asyncio
import errno
import io
import os
import subprocess
import sys

import httpx
import pytest
from fastapi import FastAPI
from PIL import Image

from app.api import error_handlers
from models.errors import DescriptorsExhausted
from models.pictures.encoded import examine

WITHOUT_DESCRIPTORS = """
import os, resource, sys
from models.pictures.decoding import decode
from models.pictures.encoded import examine
pictures = [open(path, "rb").read() for path in sys.argv[1:]]
resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))
try:
    while True:
        os.open("/dev/null", os.O_RDONLY)
except OSError:
    pass
for picture in pictures:
    assert decode(examine(picture).open()).size == (300, 400)
"""


def test_first_picture_of_each_format_is_read_without_descriptors(tmp_path: os.PathLike[str]) -> None:
    paths = [os.path.join(tmp_path, f"picture.{kind}") for kind in ("png", "jpeg", "webp", "bmp", "gif")]
    exif = Image.Exif()
    exif[0x0112] = 3
    for path in paths:
        Image.new("RGB", (300, 400), "white").save(path, exif=exif)
    subprocess.run([sys.executable, "-c", WITHOUT_DESCRIPTORS, *paths], check=True)


def test_lack_of_descriptors_is_not_the_pictures_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def open_nothing(*_: object, **__: object) -> Image.Image:
        raise OSError(errno.EMFILE, "Too many open files")

    file = io.BytesIO()
    Image.new("L", (300, 400)).save(file, "PNG")
    monkeypatch.setattr(Image, "open", open_nothing)
    with pytest.raises(DescriptorsExhausted):
        examine(file.getvalue())


@pytest.mark.parametrize(("number", "status"), [(errno.EMFILE, 503), (errno.ENFILE, 503), (errno.EIO, 500)])
def test_lack_of_descriptors_is_503_wherever_it_shows(number: int, status: int) -> None:
    app = FastAPI()
    error_handlers.install(app)

    @app.get("/")
    def fail() -> None:
        raise OSError(number, os.strerror(number))

    async def get() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.get("/")

    response = asyncio.run(get())
    assert response.status_code == status
    assert ("retry-after" in response.headers) == (status == 503)
