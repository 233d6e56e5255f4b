"""The options of every job, whatever its kind: its name and tags, its priority and its time limit."""

from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from app.jobs.specs.numbers import WholeNumber
from app.validation_messages import nearest

DAY_SECONDS, WEEK_SECONDS = 86_400, 604_800
PRIORITY_STEP = timedelta(minutes=10)
MAX_NAME_LENGTH, MAX_TAG_LENGTH, MAX_TAGS = 100, 40, 20
MAX_SUGGESTIONS = 20  # unknown fields for which the nearest name is looked for
PRINTABLE = r"^[^\x00-\x1f\x7f]*$"

JobName = Annotated[str, Field(min_length=1, max_length=MAX_NAME_LENGTH, pattern=PRINTABLE)]
Tag = Annotated[str, Field(min_length=1, max_length=MAX_TAG_LENGTH, pattern=PRINTABLE)]


class NamedFields(BaseModel):
    """Refuses unknown fields and names the nearest one that there is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_fields(cls, values: Any) -> Any:
        unknown = [name for name in values if name not in cls.model_fields] if isinstance(values, dict) else []
        if unknown:
            errors = [cls._describe_unknown(str(name), values[name]) for name in unknown[:MAX_SUGGESTIONS]]
            raise ValidationError.from_exception_data(cls.__name__, errors)
        return values

    @classmethod
    def list_fields(cls) -> str:
        """The names of all fields, for a message."""
        return ", ".join(sorted(cls.model_fields))

    @classmethod
    def _describe_unknown(cls, name: str, value: Any) -> InitErrorDetails:
        guess = nearest(name, cls.model_fields)
        hint = f"do you mean '{guess}'?" if guess else f"there are {cls.list_fields()}"
        error = PydanticCustomError("extra_forbidden", "there is no such field; {hint}", {"hint": hint})
        return InitErrorDetails(type=error, loc=(name,), input=value)


class BaseSpec(NamedFields):
    """What every spec has, whatever its kind; a kind adds `kind` and its own fields."""

    name: JobName | None = Field(None, description="for people, and to look for: GET /v1/jobs?name=")
    tags: list[Tag] = Field([], max_length=MAX_TAGS, description="to look for: GET /v1/jobs?tag=")
    priority: WholeNumber = Field(5, ge=0, le=9, description="9 is the most urgent; a step is worth 10 minutes' wait")
    time_limit_seconds: WholeNumber = Field(
        DAY_SECONDS,
        ge=1,
        le=WEEK_SECONDS,
        description="a job that has not ended so long after its first start fails: `time_limit`",
    )

    @property
    def queue(self) -> str:
        """The queue whose workers run the job."""
        raise NotImplementedError

    @property
    def head_start(self) -> timedelta:
        """Jobs run in the order of their submission time minus this, so a job that waits long enough comes first."""
        return self.priority * PRIORITY_STEP

    @property
    def stored_bytes(self) -> int:
        """The most bytes that the job's artifacts will take."""
        return 0

    @property
    def is_for_any_device(self) -> bool:
        """Whether workers with another device than those of `queue` may run the job, too (app/jobs/routing.py)."""
        return False

    @property
    def required_device(self) -> str | None:
        """The device without which no worker can run the job, if there is one."""
        return None

    def require_sense(self) -> None:
        """Raise InvalidInput for what no new job may ask for, but the stored spec of an older program may."""

    def require_effect(self) -> None:
        """Raise InvalidInput for a field that the client named, but that does nothing beside the others."""

    def place_of(self, field: str) -> str:
        """Where the field of a training stands in the request, for an error."""
        return f"body.{field}"

    @property
    def largest_batch(self) -> int:
        """The most training pictures of its data set that the job takes at once; 0 if their number is no bound."""
        return 0

    @property
    def own_dataset(self) -> str | None:
        """The data set of a user that the job reads, if there is one."""
        return None

    @property
    def start_version(self) -> str | None:
        """The version, or alias, from whose weights the job starts, if there is one."""
        return None

    @property
    def reproduced_version(self) -> str | None:
        """The version that the job trains again, if that is its work."""
        return None
