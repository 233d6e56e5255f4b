"""Artifacts in an S3-compatible store, through fsspec's s3fs.

Credentials, region and endpoint come from the standard AWS sources: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
AWS_ENDPOINT_URL and so on, or ~/.aws. Each artifact is written by a single PUT, which S3 makes atomic.
"""

import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from app.errors import ArtifactDamaged, ConfigurationError, StorageRefused, StorageUnavailable, install_hint
from app.storage.artifacts import CHUNK_BYTES, Artifact, Stored, describe, describe_file, verified

CONNECT_SECONDS, READ_SECONDS = 3, 5  # to connect, and between two reads of a response
MAX_TRIES = 2
CALL_SECONDS = 120  # for a whole transfer; the two above end one that makes no progress
RANGE_BYTES = 2**21  # that one request reads of an artifact that is read in pieces
SINGLE_PUT_BYTES = 5 * 2**30  # S3's own limit; above it s3fs would use a multipart upload


class S3Storage:
    """Artifacts under a prefix of a bucket. Raises ConfigurationError without s3fs or without credentials."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._bucket, prefix = parts.netloc, parts.path.strip("/")
        self._root = f"{self._bucket}/{prefix}/" if prefix else f"{self._bucket}/"
        if not self._bucket:
            raise ConfigurationError(f"NUMERAL_STORAGE_URL is {url}, which names no bucket; write s3://BUCKET/PREFIX.")
        self._lock = threading.Lock()
        self._filesystem: Any = None
        self._process = 0
        self._errors = _require_library_and_credentials()

    @property
    def place(self) -> str:
        return f"s3://{self._root}".rstrip("/")

    def put(self, name: str, content: bytes) -> Artifact:
        with self._translated_errors("written", name):
            self._connected().pipe_file(self._root + name, content, chunksize=SINGLE_PUT_BYTES, timeout=CALL_SECONDS)
        return describe(name, content)

    def put_file(self, name: str, write: Callable[[BinaryIO], None]) -> Artifact:
        with tempfile.TemporaryFile() as file:
            write(file)
            artifact = describe_file(name, file)
            file.seek(0)
            with self._translated_errors("written", name):
                self._connected().call_s3(
                    "put_object", Bucket=self._bucket, Key=self._key(name), Body=file, timeout=CALL_SECONDS
                )
        return artifact

    def open(self, name: str) -> "S3Reader":
        path = self._root + name
        with self._translated_errors("read", name):
            key = path.removeprefix(f"{self._bucket}/")
            found = self._connected().call_s3("head_object", Bucket=self._bucket, Key=key, timeout=CALL_SECONDS)

        def read(start: int, end: int) -> bytes:
            with self._translated_errors("read", name):
                piece: bytes = self._connected().cat_file(
                    path, start=start, end=end, max_concurrency=1, timeout=CALL_SECONDS
                )
                return piece

        return S3Reader(found["ContentLength"], read)

    def get(self, name: str, *, sha256: str) -> bytes:
        with self._translated_errors("read", name):
            content: bytes = self._connected().cat_file(self._root + name, max_concurrency=1, timeout=CALL_SECONDS)
        return verified(name, content, sha256=sha256, place=self.place)

    def list(self) -> Iterator[Stored]:
        with self._translated_errors("listed"):
            found = self._connected().find(self._root, detail=True, timeout=CALL_SECONDS)
        for path, details in found.items():
            if path.startswith(self._root):
                yield Stored(path.removeprefix(self._root), details["size"], details["LastModified"])

    def delete(self, name: str) -> None:
        with self._translated_errors("deleted"):
            self._connected().rm_file(self._root + name, timeout=CALL_SECONDS)

    def check(self) -> None:
        with self._translated_errors("looked for"):
            self._connected().call_s3("head_bucket", Bucket=self._bucket, timeout=CALL_SECONDS)

    def _key(self, name: str) -> str:
        return (self._root + name).removeprefix(f"{self._bucket}/")

    def _connected(self) -> Any:
        """Returns the file system of this process; its event loop does not survive the fork of a Celery worker."""
        from s3fs import S3FileSystem  # loaded only where S3 is used

        with self._lock:
            if self._process != os.getpid():
                limits = {"connect_timeout": CONNECT_SECONDS, "read_timeout": READ_SECONDS}
                retries = {"mode": "standard", "total_max_attempts": MAX_TRIES}
                self._filesystem = S3FileSystem(
                    config_kwargs=limits | {"retries": retries}, skip_instance_cache=True, use_listings_cache=False
                )
                self._filesystem.retries = 1  # botocore retries already
                self._process = os.getpid()
            return self._filesystem

    @contextmanager
    def _translated_errors(self, action: str, name: str = "") -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            response = getattr(error.__cause__, "response", {})
            if name and response.get("Error", {}).get("Code") != "NoSuchBucket":
                raise ArtifactDamaged(f"The artifact {name} is gone from {self.place}.") from error
            raise StorageRefused(
                f"The bucket {self._bucket} does not exist; make it, or change NUMERAL_STORAGE_URL."
            ) from error
        except PermissionError as error:
            raise StorageRefused(
                f"The artifact store {self.place} refuses these credentials: {_describe(error)}. "
                "Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the bucket's policy."
            ) from error
        except self._errors as error:
            raise StorageUnavailable(
                f"An artifact in {self.place} could not be {action}: {_describe(error)}."
            ) from error


class S3Reader:
    """An artifact of a bucket, by range requests: a reader that stands still holds no connection."""

    def __init__(self, size: int, read: Callable[[int, int], bytes]) -> None:
        self.size, self._read = size, read

    def chunks(self) -> Iterator[bytes]:
        for start in range(0, self.size, RANGE_BYTES):
            piece = self._read(start, min(start + RANGE_BYTES, self.size))
            for offset in range(0, len(piece), CHUNK_BYTES):
                yield piece[offset : offset + CHUNK_BYTES]

    def local_file(self) -> None:
        return None

    def close(self) -> None:
        pass


def _require_library_and_credentials() -> tuple[type[Exception], ...]:
    """Returns the errors by which s3fs reports an unavailable store. Raises ConfigurationError if it cannot be used."""
    try:
        import aiohttp  # these three are loaded only where S3 is used
        import botocore.session
        import s3fs as _  # noqa: F401
    except ImportError as error:
        raise ConfigurationError(
            f"NUMERAL_STORAGE_URL is an s3:// address, and s3fs is not installed. {install_hint('s3')}"
        ) from error
    try:
        credentials = botocore.session.Session().get_credentials()
    except botocore.exceptions.BotoCoreError as error:
        raise ConfigurationError(f"The credentials for S3 cannot be read: {error}.") from error
    if credentials is None:
        raise ConfigurationError(
            "NUMERAL_STORAGE_URL is an s3:// address, and there are no credentials for it: set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY (and AWS_ENDPOINT_URL for a store that is not Amazon's)."
        )
    return (OSError, botocore.exceptions.BotoCoreError, aiohttp.ClientError)


def _describe(error: Exception) -> str:
    return str(error).strip().rstrip(".") or type(error).__name__
