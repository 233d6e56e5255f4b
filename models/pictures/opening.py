"""Opens a picture without decoding it: what Pillow reads is its head."""

import copy
import errno
import io
import struct
from typing import NamedTuple

from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from models.errors import DescriptorsExhausted, PictureRefused, PictureTooLarge

Size = tuple[int, int]  # width, height

READABLE = "PNG, JPEG, WebP, BMP, GIF, TIFF, AVIF or HEIC"
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF")
ISOLATED_FORMATS = ("TIFF", "AVIF", "HEIF")  # decoded in the decoder process only, by libraries with no bound in time
REFUSED = f"These bytes are not a {READABLE} picture that can be read."

# Pillow would load these with the first picture that needs them, when the process may have no file descriptor left.
LOADED_AT_START = (
    BmpImagePlugin, GifImagePlugin, JpegImagePlugin, MpoImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin,
    copy,
)  # fmt: skip
DECODER_ERRORS = (
    OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, MemoryError, struct.error,
    ArithmeticError, AttributeError, RuntimeError,  # of the directories of a TIFF, and of libavif and libheif
)  # fmt: skip

MAX_PIXELS = 64_000_000  # a 64-megapixel photo: 413
MAX_SIDE_PIXELS = 65_535  # the most that a JPEG can have; every row takes memory of its own: 413
MAX_READS = 100_000  # from the bytes of a picture, by decoders written in Python; 40 ms of CPU time: 422
MAX_UNCOUNTED_BYTES = 16_384  # so few bytes are read in a few milliseconds, whatever their parts
MAX_TEXT_BYTES = 2 * 2**20  # of all texts in a PNG, unpacked: 422

Image.preinit()  # or the first Image.open would load some of the plugins
Image.MAX_IMAGE_PIXELS = None  # Pillow warns before it refuses; open_picture checks MAX_PIXELS instead
PngImagePlugin.MAX_TEXT_MEMORY = MAX_TEXT_BYTES


class Head(NamedTuple):
    """What is known of a picture that is not opened here."""

    size: Size
    decoding_bytes: int  # memory that decoding takes, at most


def load_isolated_formats() -> None:
    """Let Pillow read AVIF and HEIC, too: in the decoder process, with one thread."""
    import pi_heif  # here, for the API does without its 60 ms and 5 MB
    from PIL import AvifImagePlugin

    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    pi_heif.register_heif_opener(decode_threads=1, thumbnails=False, depth_images=False, aux_images=False)


def open_picture(content: bytes, *, max_reads: int = MAX_READS, formats: tuple[str, ...] = FORMATS) -> Image.Image:
    """The picture in bytes of one of these formats, not decoded yet; a TIFF's first page, a sequence's first picture.

    Raises PictureRefused if the bytes are not such a picture or are read in more than `max_reads` parts, now or when
    the picture is decoded; PictureTooLarge past 64 megapixels or a side of 65,535; DescriptorsExhausted.
    """
    try:
        file = io.BytesIO(content) if len(content) <= MAX_UNCOUNTED_BYTES else _CountedBytes(content, max_reads)
        picture = Image.open(file, formats=formats)
    except (UnidentifiedImageError, *DECODER_ERRORS) as error:
        require_descriptors(error)
        raise PictureRefused(REFUSED) from error
    require_size(picture.size)
    return picture


def require_size(size: Size) -> None:
    """Raise PictureTooLarge past 64 megapixels or a side of 65,535."""
    width, height = size
    if width * height > MAX_PIXELS:
        raise PictureTooLarge(
            f"The picture has {width}x{height} pixels, more than {MAX_PIXELS:,} in all. Send a smaller one."
        )
    if max(size) > MAX_SIDE_PIXELS:
        raise PictureTooLarge(
            f"The picture has {width}x{height} pixels, more than {MAX_SIDE_PIXELS:,} on a side. Send a smaller one."
        )


def require_descriptors(error: Exception) -> None:
    """Raise DescriptorsExhausted if the error says so: it says nothing about the picture."""
    if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
        raise DescriptorsExhausted("The server has no free file descriptor. Ask again in a second.") from error


class _CountedBytes(io.BytesIO):
    """Bytes that can be read so many times only: Pillow reads markers, chunks and BMP's runs one by one, in Python."""

    def __init__(self, content: bytes, max_reads: int) -> None:
        super().__init__(content)
        self._reads_left = max_reads

    def read(self, size: int | None = -1, /) -> bytes:
        self._reads_left -= 1
        if self._reads_left < 0:
            raise PictureRefused("The picture consists of too many small parts. Save it as a PNG.")
        return super().read(size)
