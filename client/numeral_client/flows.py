"""What takes more than one request, without I/O: a flow yields what is to be done and is sent the answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from os import PathLike
from pathlib import Path
from typing import Any

from numeral_client import calls
from numeral_client import documents as d
from numeral_client.calls import Flow
from numeral_client.documents import JobDocument, JobView, Rows
from numeral_client.errors import ConnectionFailed, Unavailable
from numeral_client.pictures import Picture, batches, encode, find_pictures
from numeral_client.uploads import DatasetSource, opened
from numeral_client.waiting import Wait


def predict_many(
    pictures: Iterable[Picture] | str | PathLike[str], *, model: str | None = None, scale: float | None = None
) -> Flow[Rows[d.Prediction | d.FailedPicture]]:
    """Which digits some pictures show, in their order. Pictures are as in `predict`, an array of several, or a folder.

    A FailedPicture, whose `error` says why, stands in the place of one that cannot be read. `source` names the file.
    """
    sources: list[str | None] = []
    unread: dict[int, d.FailedPicture] = {}

    def contents() -> Iterator[bytes]:
        for number, picture in enumerate(find_pictures(pictures)):
            sources.append(str(picture) if isinstance(picture, (str, PathLike)) else None)
            try:
                yield encode(picture, scale=scale)
            except OSError as error:
                detail = f"{error.filename or 'The file'} cannot be read: {error.strerror or error}."
                unread[number] = d.FailedPicture(error=d.PictureError(title="File not read", detail=detail))

    answers: list[d.Prediction | d.FailedPicture] = []
    for batch in batches(contents()):
        answers += yield from calls.predict_batch(batch, model=model)
    rest = iter(answers)
    found = Rows[Any](unread.get(number) or next(rest) for number in range(len(sources)))
    for one, source in zip(found, sources):  # noqa: B905 (Python 3.10)
        one.source = source
    return found


def get_job(job_id: str | JobDocument | JobView[Any]) -> Flow[JobView[d.Document]]:
    """A job, by its id or the beginning of it, or as a list has it."""
    job_id = d.name_of(job_id)
    if len(job_id) < calls.ID_LENGTH:
        job_id = yield from calls.find_job(job_id)
    return JobView((yield from calls.get_job(job_id)))


def list_jobs(*, limit: int = 20, **filters: str | None) -> Flow[Rows[JobDocument]]:
    """Jobs without their results, newest first. Filters: `kind`, `status`, `name`, `tag`."""
    found, cursor = Rows[JobDocument](), None
    while len(found) < limit:
        page = yield from calls.list_job_page(limit - len(found), cursor, filters)
        found += page.items
        if (cursor := page.next_cursor) is None:
            break
    return found


def wait(job: JobDocument, *, timeout: float | None = None, progress: bool | None = None) -> Flow[JobDocument]:
    """Wait for the end, with a progress bar in terminals and notebooks. Raises JobFailed, TimedOut."""
    waiting = Wait(timeout=timeout, progress=progress)
    while (pause := waiting.next_pause(job)) is not None:
        yield pause
        try:
            job = yield from calls.get_job(job.id)
        except (ConnectionFailed, Unavailable) as error:
            yield waiting.patience.pause_after(error)
    return job if job.result is not None else (yield from calls.get_job(job.id))


def download_model(version: str, folder: str | Path = ".") -> Flow[Rows[d.ModelFile]]:
    """Write all files of a version into a folder, which is made if it is not there."""
    model = yield from calls.get_model(version)
    Path(folder).mkdir(parents=True, exist_ok=True)
    for file in model.files:
        content = yield from calls.get_model_file(version, file.name)
        (Path(folder) / file.name).write_bytes(content)
    return Rows(model.files)


def upload_dataset(name: str, source: DatasetSource, *, progress: bool | None = None) -> Flow[d.Dataset]:
    """Make a data set of a folder of <digit>/<picture>, of a zip of such, or of IDX files. The answer comes when the
    service has looked at each picture; ten thousand take about a minute."""
    with opened(source, progress=progress) as files:
        return (yield from calls.upload_dataset(name, files))
