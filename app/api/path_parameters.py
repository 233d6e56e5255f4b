"""Path parameters that several resources take."""

import re
from typing import Annotated

from fastapi import Path
from pydantic import AfterValidator

from app.jobs.transitions import job_not_found

JOB_ID = re.compile(r"[0-9a-f-]{36}")


def as_job_id(text: str) -> str:
    """The id as jobs have it, in lower case (RFC 9562 reads both). Raises JobNotFound."""
    job_id = text.lower()
    if not JOB_ID.fullmatch(job_id):  # no job has such an id, and not every database would take the question
        raise job_not_found(text)
    return job_id


JobId = Annotated[str, Path(description="the job's id"), AfterValidator(as_job_id)]
VersionName = Annotated[str, Path(max_length=40, description="a version or an alias")]
