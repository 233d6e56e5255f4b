"""The options of every job, whatever its kind: its priority and its time limit."""

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field

from app.jobs.specs.numbers import WholeNumber

DAY_SECONDS, WEEK_SECONDS = 86_400, 604_800
PRIORITY_STEP = timedelta(minutes=10)


class BaseSpec(BaseModel):
    """What every spec has, whatever its kind; a kind adds `kind` and its own fields. Unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

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
    def required_device(self) -> str | None:
        """The device without which no worker can run the job, if there is one."""
        return None

    @property
    def own_dataset(self) -> str | None:
        """The data set of a user that the job reads, if there is one."""
        return None

    @property
    def start_version(self) -> str | None:
        """The version, or alias, from whose weights the job starts, if there is one."""
        return None
