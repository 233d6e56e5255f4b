"""All errors that are reported to a user. Only `api/error_handlers.py` knows their status codes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from models.wording import counted


class AppError(Exception):
    """The root. `str(error)` is a full sentence that names the thing and says what to do.

    `location` names the field of the request that is wrong, if there is one. `public_detail` replaces `str(error)` for
    callers who may not see hosts, ports or folders, where it names those.
    """

    public_detail: str | None = None

    def __init__(self, detail: str, *, location: str | None = None, public_detail: str | None = None) -> None:
        super().__init__(detail)
        self.location = location
        self.public_detail = public_detail or self.public_detail


class JobNotFound(AppError):
    """No job has this id."""


class JobAlreadyEnded(AppError):
    """The job has ended, so it cannot be cancelled."""


class JobNotEnded(AppError):
    """The job is queued or running, so it can be neither retried, nor extended, nor deleted."""


class JobSucceeded(AppError):
    """The job has succeeded, so there is nothing to retry."""


class JobInUse(AppError):
    """A model version came from the job, or the job belongs to a search: it is not deleted or retried alone."""


class TooManyJobs(AppError):
    """The maximum number of jobs of this kind are queued."""


class IdempotencyKeyReused(AppError):
    """The Idempotency-Key was used before with another body."""


class ModelNotFound(AppError):
    """No model version or alias has this name."""


class ModelFileNotFound(AppError):
    """The model version has no file of this name."""


class ModelNotServable(AppError):
    """The version may not have the requested alias, or the alias may not be removed."""


class GateNotPassed(AppError):
    """The version does not pass the promotion gate, for these reasons."""

    def __init__(self, version: str, reasons: Sequence[str]) -> None:
        super().__init__(
            f"Version {version} does not pass the gate: {'; '.join(reasons)}. To promote it all the same, send "
            '"force": true; the history keeps that.',
            location="body.version",
        )
        self.reasons = tuple(reasons)


class AliasMoved(AppError):
    """The alias does not point to the version that the caller expected."""


class NothingToRollBack(AppError):
    """The alias pointed to no other version before the present one."""


class ModelInUse(AppError):
    """The version serves under an alias, or an open job or another version starts from it."""


class ModelNotLoaded(AppError):
    """No model has been loaded yet."""

    public_detail = "No network is loaded yet; GET /readyz says why."


class DeviceNotPresent(AppError):
    """No worker has the device that the job asks for."""


class CurvesNotThere(AppError):
    """The job is not a sweep, or has not succeeded, or its curves were removed because of their age."""


class PicturesNotThere(AppError):
    """The job is not a training, or has not succeeded, so it has no sheet of pictures."""


class OriginGone(AppError):
    """The checkpoint that a retry was to continue from was deleted."""


class DatasetNotFound(AppError):
    """No data set has this name, or the pictures that a job was given are gone."""


class DatasetExists(AppError):
    """A data set of this name exists already."""


class DatasetBuiltIn(AppError):
    """The data set is one of the service's own, which are neither uploaded nor corrected nor deleted."""


class DatasetInUse(AppError):
    """A model version, or a job that has not ended, names the data set, so it cannot be deleted."""


class DatasetFull(AppError):
    """The data set that feedback fills holds as many pictures as it can, or one has as many corrections as it can."""


class PictureNotFound(AppError):
    """The data set has fewer pictures."""


class PredictionNotKept(AppError):
    """The picture of this prediction is not kept, or not any more."""


class TrialsNotThere(AppError):
    """The job is not a search, so it has no trials."""


class SearchFailed(AppError):
    """A search cannot go on, or no trial of it came to its end."""


class PageNotFound(AppError):
    """The console has no such file."""


class InvalidInput(AppError):
    """A part of the request is not what the endpoint accepts."""


class UnsupportedMediaType(AppError):
    """The endpoint does not read bodies of this media type."""


class UnsupportedEncoding(UnsupportedMediaType):
    """The body has a Content-Encoding that the service does not read."""


class BodyTooLarge(AppError):
    """The body has more bytes than the service reads."""


class ShuttingDown(AppError):
    """This process is shutting down: it answers the requests that it has, and new ones should go to another process."""


class Overloaded(AppError):
    """Too many requests or pictures are waiting already."""


class DeadlineExceeded(AppError):
    """The deadline of the request passed before anything was computed."""


class ClientGone(AppError):
    """The client disconnected before its request was processed."""


class DecoderUnavailable(AppError):
    """The process that decodes large pictures is not there, and could not be started."""


class DatabaseUnavailable(AppError):
    """The database cannot be reached, is locked for too long, or has another schema than this program."""

    public_detail = "The database cannot be used now. Nothing was changed; try again."


class SchemaOutdated(DatabaseUnavailable):
    """The database answers, but has another schema than this program."""

    public_detail = (
        "The database has another schema than this program, or none. Nothing was changed. Run `numeral migrate`."
    )


class StorageFull(AppError):
    """The disk is full."""

    public_detail = "The disk of the artifact store or of the database is full. Nothing was changed."


class QuotaReached(StorageFull):
    """The artifacts of jobs of this kind would take more space than they may."""


class StorageUnavailable(AppError):
    """The artifact store cannot be read or written."""

    public_detail = "The artifact store cannot be used now. Predictions go on from memory."


class StorageRefused(StorageUnavailable):
    """The artifact store answers, but cannot work as the service is configured."""


class ArtifactDamaged(StorageUnavailable):
    """An artifact is missing, or its bytes are not those that were stored. Retrying does not help."""

    public_detail = "An artifact in the artifact store is gone or damaged."


class KeyInUrl(AppError):
    """The URL contains an API key."""


class KeyAmbiguous(AppError):
    """The request brings more than one API key."""


class KeyMissing(AppError):
    """The request needs an API key and has none."""


class KeyWrong(AppError):
    """The request's API key does not exist, is revoked or has expired."""


class ScopeMissing(AppError):
    """The request's API key is valid, but lacks the scope."""


class OriginRefused(AppError):
    """Without keys, only programs of this machine are served."""


class KeysUnknown(AppError):
    """The keys have not been read from the database yet, so no key can be checked."""

    public_detail = "The API keys cannot be read from the database yet, so no request is let in (see GET /readyz)."


class ApiKeyNotFound(AppError):
    """No API key has this id."""


class RateLimited(AppError):
    """A key or an address has reached its rate limit; it may send again in `retry_after` seconds."""

    def __init__(self, detail: str, *, retry_after: int) -> None:
        super().__init__(f"{detail} Ask again in {counted(retry_after, 'second')}.")
        self.retry_after = retry_after


class BrokerAway(AppError):
    """Redis does not answer."""


def install_hint(extra: str) -> str:
    """How to install an optional part of the service, into the environment that `make run` makes."""
    return f"In the clone, run: .venv/bin/pip install --constraint constraints.txt --editable '.[{extra}]'"


class ConfigurationError(AppError):
    """The service cannot start with these settings."""


class FileUnusable(AppError):
    """A file of this machine cannot be read or written."""


@contextmanager
def file_is(access: Literal["read", "written"]) -> Iterator[None]:
    """Raises FileUnusable, whose words name the file and say what is in the way, for an OSError."""
    try:
        yield
    except BrokenPipeError:
        raise  # of standard output: nobody reads on
    except OSError as error:
        name = "The file" if error.filename is None else error.filename
        raise FileUnusable(f"{name} cannot be {access}: {why(error, access)}.") from error


def why(error: OSError, access: Literal["read", "written"] = "read") -> str:
    """What is in the way of a file."""
    folder = Path(str(error.filename or ".")).parent
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        if not folder.is_dir():
            return f"there is no folder {folder}"
        return "there is no such file" if access == "read" else f"nothing can be made in {folder}"
    if isinstance(error, FileExistsError):
        return "it is a file, not a folder"
    return (error.strerror or str(error)).lower()
