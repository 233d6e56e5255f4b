"""A client of Numeral, the service that trains, evaluates and serves a digit recogniser."""

from numeral_client.async_client import AsyncClient, AsyncJob
from numeral_client.client import Client, Job
from numeral_client.documents import (
    FailedPicture,
    Figure,
    Prediction,
    Reading,
    ReproductionResult,
    SearchResult,
    SweepResult,
    Trace,
    TrainingResult,
)
from numeral_client.errors import (
    ApiError,
    Conflict,
    ConnectionFailed,
    ConnectionRefused,
    HostNotFound,
    InvalidInput,
    JobFailed,
    NotAllowed,
    NotFound,
    NumeralError,
    TimedOut,
    Unavailable,
    UnexpectedAnswer,
)
from numeral_client.events import Event

__all__ = [
    "ApiError",
    "AsyncClient",
    "AsyncJob",
    "Client",
    "Conflict",
    "ConnectionFailed",
    "ConnectionRefused",
    "Event",
    "FailedPicture",
    "Figure",
    "HostNotFound",
    "InvalidInput",
    "Job",
    "JobFailed",
    "NotAllowed",
    "NotFound",
    "NumeralError",
    "Prediction",
    "Reading",
    "ReproductionResult",
    "SearchResult",
    "SweepResult",
    "TimedOut",
    "Trace",
    "TrainingResult",
    "Unavailable",
    "UnexpectedAnswer",
]
