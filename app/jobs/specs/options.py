"""What every job may ask for, whatever its kind: how urgent it is, and how long it may take."""

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field

from app.jobs.specs.numbers import WholeNumber

DAY, WEEK = 86_400, 604_800
WORTH_OF_PRIORITY = timedelta(minutes=10)


class JobOptions(BaseModel):
    """The base of all specs. Immutable; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    priority: WholeNumber = Field(5, ge=0, le=9, description="9 is the most urgent; a step is worth 10 minutes' wait")
    time_limit_seconds: WholeNumber = Field(
        DAY, ge=1, le=WEEK, description="a job that has not ended so long after its first start fails: `time_limit`"
    )

    @property
    def head_start(self) -> timedelta:
        """Jobs run in the order of their submission less this, so whoever waits long enough comes first."""
        return self.priority * WORTH_OF_PRIORITY
