"""Everything that a caller may be told went wrong. `api/error_handlers.py` alone knows the status codes."""


class AppError(Exception):
    """The root: `str(error)` is a full sentence that names the thing and says what to do.

    `location` names the field of the request that is at fault, where there is one.
    """

    def __init__(self, detail: str, *, location: str | None = None) -> None:
        super().__init__(detail)
        self.location = location


class JobNotFound(AppError):
    """No job has this id."""


class JobAlreadyEnded(AppError):
    """The job has ended, so it cannot be cancelled."""


class JobNotEnded(AppError):
    """The job waits or runs, so it can be neither tried again nor deleted."""


class JobSucceeded(AppError):
    """The job has its result, so there is nothing to try again."""


class JobInUse(AppError):
    """A model version came from the job, so it cannot be deleted."""


class TooManyJobs(AppError):
    """As many jobs of this kind are waiting as the service takes."""


class IdempotencyKeyReused(AppError):
    """The key was used before, with another body."""


class ModelNotFound(AppError):
    """No model version or alias has this name."""


class ModelFileNotFound(AppError):
    """The model version has no file of this name."""


class ModelNotServable(AppError):
    """The version may not take the alias that was asked for."""


class AliasMoved(AppError):
    """The alias does not stand for the version that the caller expected."""


class NothingToRollBack(AppError):
    """No version served under the alias before the present one."""


class ModelInUse(AppError):
    """The version serves, or has served, under an alias."""


class ModelNotLoaded(AppError):
    """There is no network in memory yet to answer with."""


class DeviceNotPresent(AppError):
    """No worker has the device that the job asks for."""


class CurvesNotThere(AppError):
    """The job is no sweep, or has not succeeded (yet)."""


class PageNotFound(AppError):
    """The console has no such file."""


class InvalidInput(AppError):
    """A part of the request is not what the endpoint takes."""


class UnsupportedMediaType(AppError):
    """The body is of a type that the endpoint does not read."""


class BodyTooLarge(AppError):
    """The body has more bytes than the service reads."""


class ShuttingDown(AppError):
    """This process is about to end; it answers what it has, and new requests are better sent elsewhere."""


class Overloaded(AppError):
    """More work waits already than the service takes in."""


class DeadlineExceeded(AppError):
    """The time that the client gave its request was up before anything was computed."""


class ClientGone(AppError):
    """The client hung up before its turn came; nobody will read the answer."""


class DatabaseUnavailable(AppError):
    """The database cannot be reached, is busy past its patience, or has another schema than this program."""


class SchemaOutdated(DatabaseUnavailable):
    """The database answers, and has another schema than this program."""


class StorageFull(AppError):
    """The disk has no room left."""


class StorageUnavailable(AppError):
    """The artifact store cannot be read or written."""


class StorageRefused(StorageUnavailable):
    """The artifact store answers, and will not work as the service is configured."""


class ArtifactDamaged(StorageUnavailable):
    """An artifact is gone, or its bytes are not those that were stored. Waiting does not help."""


class KeyInUrl(AppError):
    """A key stands in the URL, where it does not belong."""


class KeyMissing(AppError):
    """The request needs an API key and brings none."""


class KeyWrong(AppError):
    """The request's API key does not open anything."""


class ScopeMissing(AppError):
    """The request's API key is good, but not for this."""


class OriginRefused(AppError):
    """Without keys, only this machine's own programs are served."""


class KeysUnknown(AppError):
    """The keys have not been read from the database yet, so nobody can be let in."""


class ApiKeyNotFound(AppError):
    """No API key has this id."""


class RateLimited(AppError):
    """A key or an address asks too often; it may again in `retry_after` seconds."""

    def __init__(self, detail: str, *, retry_after: int) -> None:
        super().__init__(f"{detail} Ask again in {retry_after} seconds.")
        self.retry_after = retry_after


class BrokerAway(AppError):
    """Redis does not answer."""


class ConfigurationError(AppError):
    """The settings do not make a service that can start."""
