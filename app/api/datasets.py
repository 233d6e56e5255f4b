"""/v1/datasets: pictures of one's own to train with."""

import re
from functools import partial
from typing import Annotated, Any, Literal

import numpy as np
import orjson
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from app.api.dependencies import ServicesDependency, get_services, require_json
from app.api.documented_errors import errors
from app.api.figure_parameters import Theme
from app.api.forms import show_others
from app.api.headers import find_media_type
from app.api.json_route import JsonRoute
from app.api.links import link
from app.api.raw_route import UploadRoute
from app.api.request_context import read_context
from app.api.responses import as_data_url, encode_png, json_response
from app.api.schemas import datasets as schemas
from app.api.schemas.media import answers, headers, sends
from app.api.uploads import Upload, receiving
from app.datasets import service
from app.datasets.tables import Dataset
from app.errors import (
    DatasetBuiltIn,
    DatasetExists,
    DatasetInUse,
    DatasetNotFound,
    InvalidInput,
    Overloaded,
    QuotaReached,
    UnsupportedMediaType,
)
from app.jobs.inputs import require_dataset_unused
from app.server.disconnects import disconnect_check
from app.services import Services
from models.datasets.built_in import BUILT_IN, FEEDBACK
from models.datasets.pictures import SPLITS, read_labels
from models.datasets.sheet import draw_sheet
from models.errors import ArchiveRefused, ArchiveTooLarge
from models.figures.figure import THEMES, ThemeName

upload_router = APIRouter(prefix="/v1/datasets", tags=["datasets"], route_class=UploadRoute)
router = APIRouter(prefix="/v1/datasets", tags=["datasets"], route_class=JsonRoute)

MAX_PARTS = 16  # of an upload's form: a name, four files, and some that are refused by name
MAX_FILES = 4
FIELDS = ("name", "file")
MAX_SHOWN = 40  # characters of a field's name in a message
MAX_LISTED_PICTURES = 200
Split = Literal["train", "validation", "test"]
DatasetName = Annotated[str, Path(pattern=f"^{schemas.NAME}$", description="the data set's name")]


@upload_router.post(
    "",
    status_code=201,
    response_model=schemas.Dataset,
    responses=answers(201, headers=headers("Location"))
    | errors(DatasetExists, ArchiveTooLarge, ArchiveRefused, DatasetBuiltIn, Overloaded, QuotaReached),
    openapi_extra=schemas.UPLOAD,
)
async def create_dataset(request: Request) -> Response:
    """Make a data set of a zip of folders `0` to `9` with pictures in them, or of IDX files.

    Each picture goes through the same eye as that of a prediction; `rejected` lists those that cannot be used.
    """
    services, context = get_services(request), read_context(request)
    if find_media_type(request.scope) != "multipart/form-data":
        raise UnsupportedMediaType(
            "Send a form: Content-Type: multipart/form-data, with the fields `name` and `file`.",
            location="header.Content-Type",
        )
    importer, folder = services.importer, services.settings.data_dir.resolve()
    places = importer.places
    async with places.place(), receiving(request, places, folder=folder, max_parts=MAX_PARTS) as upload:
        dataset = await importer.create(*_read_form(upload), context)
    response = json_response(_render(dataset))
    response.status_code, response.headers["Location"] = 201, link(f"/v1/datasets/{dataset.name}")
    return response


@router.get("", response_model=schemas.DatasetList)
def list_datasets(services: ServicesDependency) -> dict[str, Any]:
    """The data sets of users, newest first, and those that come with the service."""
    found = [_summarise(dataset) for dataset in service.list_(services.sessions)]
    return {"items": found + [_describe_built_in(name) for name in BUILT_IN]}


@router.get("/{name}", response_model=schemas.Dataset, responses=errors(DatasetNotFound))
def get_dataset(name: DatasetName, services: ServicesDependency) -> dict[str, Any]:
    """A data set, with the files that could not be used and why."""
    if name in BUILT_IN:
        return _describe_built_in(name) | {"rejected": None}
    return _render(service.get(services.sessions, name))


@router.get("/{name}/sheet.png", response_class=Response, responses=sends("image/png") | errors(DatasetNotFound))
async def draw_dataset(
    name: DatasetName, request: Request, services: ServicesDependency, theme: Theme = "light"
) -> Response:
    """Up to 100 pictures as the network will see them, each with its label."""
    if name in BUILT_IN:
        raise DatasetNotFound(f"{name!r} is built in; there are sheets of uploaded data sets and of {FEEDBACK!r} only.")
    dataset = await run_in_threadpool(service.get, services.sessions, name)
    key = ("sheet", name, dataset.sha256, theme)
    is_disconnected = disconnect_check(request.receive)
    sheet = await services.figures.get(key, lambda: _draw(services, dataset, theme), is_disconnected)
    return Response(sheet, media_type="image/png")


@router.get("/{name}/pictures", response_model=schemas.PicturePage, responses=errors(DatasetNotFound))
async def list_pictures(
    name: DatasetName,
    request: Request,
    services: ServicesDependency,
    digit: Annotated[int | None, Query(ge=0, le=9, description="only those with this label")] = None,
    split: Annotated[Split | None, Query(description="only those of this part of the data set")] = None,
    offset: Annotated[int, Query(ge=0, le=2**31, description="how many to leave out at the beginning")] = 0,
    limit: Annotated[int, Query(ge=1, le=MAX_LISTED_PICTURES)] = 100,
) -> Response:
    """The pictures as the network will see them, with their labels and splits, as they are stored one after another."""
    if name in BUILT_IN:
        raise DatasetNotFound(
            f"{name!r} is built in; the pictures of uploaded data sets and of {FEEDBACK!r} are listed."
        )
    dataset = await run_in_threadpool(service.get, services.sessions, name)
    key = ("pictures", name, dataset.sha256, digit, split, offset, limit)
    page = await services.figures.get(
        key, lambda: _list(services, dataset, digit, split, offset, limit), disconnect_check(request.receive)
    )
    return Response(page, media_type="application/json")


@router.patch(
    "/{name}/pictures/{position}",
    response_model=schemas.Dataset,
    responses=errors(DatasetNotFound, DatasetBuiltIn),
    dependencies=[Depends(require_json)],
)
async def correct_label(
    name: DatasetName,
    position: Annotated[int, Path(ge=0, le=2**31, description="`position` of a listed picture")],
    label: schemas.Label,
    request: Request,
    services: ServicesDependency,
) -> dict[str, Any]:
    """Correct the label of a picture of an uploaded data set, which has another sha256 then.

    Its split stays. Jobs that were submitted before, and reproductions of versions, have the labels of then.
    """
    artifact, sha256 = await run_in_threadpool(service.find_artifact, services.sessions, name)

    def read() -> bytes:  # of up to 78 MB: by one thread, and once for many corrections
        return read_labels(services.storage.get(artifact, sha256=sha256)).tobytes()

    content = await services.figures.get(("labels", artifact), read, disconnect_check(request.receive))
    labels = np.frombuffer(content, np.uint8)
    correct = partial(service.correct_label, services.sessions, name, artifact=artifact, labels=labels)
    return _render(await run_in_threadpool(correct, position, label.digit))


@router.delete("/{name}", status_code=204, responses=errors(DatasetNotFound, DatasetInUse, DatasetBuiltIn))
def delete_dataset(name: DatasetName, services: ServicesDependency) -> None:
    """Delete a data set; refused while a model version, or a job that has not ended, names it (409)."""
    service.delete(services.sessions, services.storage, name, require_unused=require_dataset_unused)


def _read_form(upload: Upload) -> tuple[str, list[Any]]:
    others = show_others(upload.other_fields("name", "file"))
    names, files = upload.texts("name", max_bytes=100), upload.files("file")
    if len(names) != 1 or not re.fullmatch(schemas.NAME, names[0]):
        raise InvalidInput(
            "The form must hold one `name`: a lower-case letter, then up to 39 lower-case letters, digits, - and _"
            f"{others}.",
            location="body.name",
        )
    if not 1 <= len(files) <= MAX_FILES:
        raise InvalidInput(
            f"The form must hold 1 to {MAX_FILES} files in the field 'file'{others}.", location="body.file"
        )
    for unknown in upload.other_fields(*FIELDS):
        raise InvalidInput(
            f"There is no field {unknown[:MAX_SHOWN]!r} in this form; it takes name and file.",
            location=f"body.{unknown[:MAX_SHOWN]}",
        )
    return names[0], files


def _draw(services: Services, dataset: Dataset, theme: ThemeName) -> bytes:
    pictures = service.read_pictures(services.sessions, services.storage, dataset.name, sha256=dataset.sha256)
    return draw_sheet(pictures, theme=THEMES[theme])


def _list(
    services: Services, dataset: Dataset, digit: int | None, split: Split | None, offset: int, limit: int
) -> bytes:
    """A page of pictures as the JSON of `schemas.datasets.PicturePage`."""
    pictures = service.read_pictures(services.sessions, services.storage, dataset.name, sha256=dataset.sha256)
    is_wanted = np.ones(len(pictures), bool) if digit is None else pictures.labels == digit
    if split is not None:
        is_wanted &= pictures.splits == SPLITS.index(split)
    found = np.flatnonzero(is_wanted)
    items = [
        {
            "position": position,
            "digit": int(pictures.labels[position]),
            "split": SPLITS[pictures.splits[position]],
            "png": as_data_url(encode_png(pictures.images[position])),
        }
        for position in found[offset : offset + limit].tolist()
    ]
    return orjson.dumps({"items": items, "total": len(found)})


def _render(dataset: Dataset) -> dict[str, Any]:
    """A data set as `schemas.datasets.Dataset`."""
    return _summarise(dataset) | {"rejected": dataset.rejected}


def _summarise(dataset: Dataset) -> dict[str, Any]:
    here = link(f"/v1/datasets/{dataset.name}")
    return {
        "name": dataset.name,
        "built_in": False,
        "description": "what users said of predictions" if dataset.name == FEEDBACK else "uploaded",
        "pictures": sum(dataset.counts.values()),
        "counts": dataset.counts,
        "splits": dataset.splits or None,
        "sha256": dataset.sha256,
        "bytes": dataset.stored_bytes,
        "created_at": dataset.created_at,
        "links": {"self": here, "sheet": f"{here}/sheet.png", "pictures": f"{here}/pictures"},
    }


def _describe_built_in(name: str) -> dict[str, Any]:
    unknown = dict.fromkeys(("pictures", "counts", "splits", "sha256", "bytes", "created_at"))
    links = {"self": link(f"/v1/datasets/{name}")}
    return {"name": name, "built_in": True, "description": BUILT_IN[name], "links": links} | unknown
