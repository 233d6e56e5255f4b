# ruff: noqa: E501 - one budget a line
"""Writes docs/limits.md from the code: python docs/make_limits.py

A row names where a budget stands in the code; its number is read there. tests/test_docs.py holds the page to it.
"""

import importlib
from pathlib import Path
from typing import Any, NamedTuple

from app.config import Settings

PAGE = Path(__file__).with_name("limits.md")
HEAD = """# Limits

Everything that a request or a job can occupy comes out of a budget with a number. Past it there is a clear refusal, and
everybody else is served. A budget with a setting can be changed by an operator; the others are constants, named in the
last column. `docs/make_limits.py` writes this page from the code; each budget is of one API process unless it says
otherwise. `deploy/haproxy.cfg` has timeouts and a `maxconn` of its own in front of it
(`tests/limits/test_front.py`).

`make hostile` attacks a service for ten minutes and prints what it held and what another client saw meanwhile.
"""


class Budget(NamedTuple):
    """One row: what is bounded, where the number stands, and what is answered past it."""

    what: str
    place: str  # `module:NAME`, `module:Class.field`, or `setting` of app.config
    unit: str
    answer: str
    test: str = ""  # under tests/limits, unless it has a path


CONNECTIONS, PARSING, DECODING = "test_connections.py", "test_parsing.py", "test_decoding.py"
DATASETS = "tests/api/test_datasets.py"
ARCHIVES, IDX = "tests/models/datasets/test_archives.py", "tests/models/datasets/test_idx.py"
ENCODED = "tests/models/pictures/test_encoded.py"

# fmt: off
SECTIONS: dict[str, list[Budget]] = {
    "Connections and heads": [
        Budget("connections", "max_connections", "", "the longest idle ones are closed; 503 where none is idle", CONNECTIONS),
        Budget("the head of a request", "app.server.limits:ServerLimits.max_head_bytes", "bytes", "431, or 414 for a long URL; the same for trailers and chunk extensions", CONNECTIONS),
        Budget("fields in it", "app.server.limits:ServerLimits.max_head_fields", "", "431", CONNECTIONS),
        Budget("from its first byte to its last", "app.server.limits:ServerLimits.head_seconds", "s", "408", CONNECTIONS),
        Budget("an idle connection", "app.server.limits:ServerLimits.idle_seconds", "s", "closed", CONNECTIONS),
        Budget("an answer that its client does not read", "app.server.limits:ServerLimits.unread_seconds", "s without progress", "closed", CONNECTIONS),
        Budget("all such answers together", "app.server.limits:ServerLimits.max_unread_bytes", "MB", "the largest are closed", CONNECTIONS),
        Budget("requests of one key, or one address", "rate_limit_per_key", "", "429; also NUMERAL_RATE_LIMIT_PER_ADDRESS, for requests without a key too", "test_disclosure.py"),
    ],
    "Bodies": [
        Budget("pauses of a body in total", "app.server.limits:ServerLimits.body_grace_seconds", "s", "408", CONNECTIONS),
        Budget("its pace otherwise", "app.server.limits:ServerLimits.min_body_bytes_per_second", "bytes a second", "408", CONNECTIONS),
        Budget("all bodies that are not answered yet", "max_unfinished_body_bytes", "MB", "503, Retry-After", CONNECTIONS),
        Budget("a body that holds pictures or tensors", "max_body_bytes", "MB", "413, before 100 Continue", "tests/api/test_predictions.py"),
        Budget("any other body", "app.api.raw_route:MAX_JSON_BYTES", "MB", "413", "tests/api/test_jobs.py"),
        Budget("unpacked bodies together", "app.api.middleware.unpacking:MAX_UNPACKED_BYTES", "MB", "429", PARSING),
        Budget("threads that unpack", "app.api.middleware.unpacking:MAX_UNPACKING_THREADS", "", "waits", PARSING),
        Budget("threads that pack answers", "app.api.middleware.packing:MAX_PACKING_THREADS", "", "waits", "tests/limits/test_http_habits.py"),
        Budget("JSON that is parsed on the event loop", "app.api.json_route:MAX_INLINE_JSON_BYTES", "bytes", "a larger one is parsed in a thread", PARSING),
        Budget("commas, brackets, colons in JSON", "app.api.json_limits:SMALL", "", "422; more where lists of numbers are meant", PARSING),
        Budget("errors in one answer", "app.api.error_handlers:MAX_LISTED_ERRORS", "", "the rest is not looked for", PARSING),
        Budget("other parts of a form", "app.api.forms:MAX_OTHER_PARTS", "", "422", "test_http_habits.py"),
    ],
    "Pictures": [
        Budget("pixels", "models.pictures.opening:MAX_PIXELS", "", "413", ENCODED),
        Budget("a side", "models.pictures.opening:MAX_SIDE_PIXELS", "pixels", "413", ENCODED),
        Budget("memory that decoding needs", "models.pictures.encoded:MAX_DECODING_BYTES", "MB", "413", ENCODED),
        Budget("scans of a JPEG", "models.pictures.encoded:MAX_SCANS", "", "422", ENCODED),
        Budget("fields of a TIFF's directory", "models.pictures.tiff_head:MAX_FIELDS", "", "422", "tests/models/pictures/test_tiff_head.py"),
        Budget("boxes of an AVIF or HEIC", "models.pictures.heif_head:MAX_BOXES", "", "422", "tests/models/pictures/test_heif_head.py"),
        Budget("time to decode a large picture, in a process that is killed then", "decode_seconds", "s", "422", DECODING),
        Budget("pixels of all pictures of a request", "app.serving.preparation:MAX_REQUEST_PIXELS", "", "413", DECODING),
        Budget("pictures in a batch", "app.api.schemas.pictures:MAX_PICTURES", "", "422", "tests/api/test_predictions.py"),
        Budget("waiting small pictures", "app.serving.preparation:MAX_WAITING_SMALL", "", "429", "tests/e2e/test_overload.py"),
        Budget("waiting medium pictures", "app.serving.preparation:MAX_WAITING_MEDIUM", "", "429", "tests/e2e/test_overload.py"),
        Budget("waiting large pictures", "app.serving.preparation:MAX_WAITING_LARGE", "", "429", DECODING),
        Budget("pictures in the network's queue", "app.serving.engine:MAX_PICTURES", "", "429", "tests/serving/test_engine.py"),
        Budget("requests of more than 128 pictures", "app.serving.engine:MAX_LARGE_REQUESTS", "", "429", "tests/serving/test_engine.py"),
        Budget("digits of a page", "models.inference.segmentation:MAX_DIGITS", "", "422", "tests/models/inference/test_reading.py"),
        Budget("separate marks of a page", "models.pictures.layout:MAX_COMPONENTS", "", "422", "tests/models/inference/test_reading.py"),
        Budget("width of all line images of a page", "models.inference.segmentation:MAX_LINE_PIXELS", "pixels", "422", "tests/models/inference/test_reading.py"),
        Budget("a view of a page", "models.pictures.layout:MAX_SIDE", "pixels a side", "reduced to it", "tests/models/inference/test_reading.py"),
        Budget("digits of a page in its last view", "models.pictures.layout:MAX_VIEWED_HEIGHT", "pixels tall", "nothing is read", "tests/models/inference/test_reading.py"),
        Budget("rejections", "app.serving.load_shedding:REJECTIONS_PER_SECOND", "a second", "a client that asks again at once waits for its own", "tests/serving/test_engine.py"),
    ],
    "Data sets": [
        Budget("an upload, which goes to disk", "max_upload_bytes", "MB", "413", DATASETS),
        Budget("uploads and imports at once", "app.importing.importer:MAX_IMPORTS", "", "429; one runs, the other waits", "tests/importing/test_importer.py"),
        Budget("parts of the form", "app.api.datasets:MAX_PARTS", "", "422", DATASETS),
        Budget("the list of files of a zip archive", "models.datasets.archives:MAX_DIRECTORY_BYTES", "MB", "413", ARCHIVES),
        Budget("files in it", "models.datasets.archives:MAX_FILES", "", "413", ARCHIVES),
        Budget("all of them unpacked", "models.datasets.archives:MAX_UNPACKED_BYTES", "MB", "413", ARCHIVES),
        Budget("a file unpacked, to packed", "models.datasets.archives:MAX_RATIO", "", "422, for a file of more than a megabyte", ARCHIVES),
        Budget("a picture in it", "models.datasets.archives:MAX_PICTURE_BYTES", "MB", "listed as rejected", ARCHIVES),
        Budget("pictures of IDX files", "models.datasets.idx:MAX_IDX_PICTURES", "", "413", IDX),
        Budget("all IDX files unpacked, and one packed", "models.datasets.idx:MAX_IDX_BYTES", "MB", "413", IDX),
        Budget("a side of its pictures", "models.datasets.idx:MAX_SIDE", "pixels", "413", IDX),
        Budget("pictures that the eye looks at", "app.importing.importer:MAX_SEEN_PICTURES", "", "413", "tests/importing/test_importer.py"),
        Budget("their pixels together", "app.importing.importer:MAX_IMPORT_PIXELS", "", "413", "tests/importing/test_importer.py"),
        Budget("time to read them, with the wait for another import", "app.importing.importer:MAX_IMPORT_SECONDS", "s", "504", "tests/importing/test_importer.py"),
        Budget("rejected files in a data set's document", "app.datasets.service:MAX_LISTED_REJECTED", "", "counted only", "tests/datasets/test_service.py"),
        Budget("data sets, of the whole service", "app.datasets.service:MAX_DATASETS", "", "507", "tests/datasets/test_service.py"),
        Budget("their files, of the whole service", "max_dataset_bytes", "MB", "507", "tests/datasets/test_service.py"),
        Budget("corrected labels of a data set", "app.datasets.corrections:MAX_CORRECTIONS", "", "409", "tests/datasets/test_service.py"),
        Budget("pictures in a page of a data set", "app.api.datasets:MAX_LISTED_PICTURES", "", "422", "tests/api/test_datasets.py"),
        Budget("pictures of `feedback`", "app.datasets.feedback:MAX_FEEDBACK_PICTURES", "", "409", "tests/datasets/test_feedback.py"),
        Budget("pictures of predictions that are kept, of the whole service", "keep_predictions", "", "the oldest go; 0: none", "tests/datasets/test_kept.py"),
        Budget("their age", "keep_predictions_hours", "hours", "they go", "tests/datasets/test_kept.py"),
        Budget("those that wait for the database", "app.datasets.kept:MAX_UNWRITTEN", "", "the oldest go", "tests/datasets/test_kept.py"),
    ],
    "Jobs": [
        Budget("queued jobs of a kind, of the whole service", "max_queued", "", "429", "tests/jobs/test_service.py"),
        Budget("the name of a job", "app.jobs.specs.options:MAX_NAME_LENGTH", "characters", "422", "tests/jobs/specs/test_training.py"),
        Budget("its tags", "app.jobs.specs.options:MAX_TAGS", "", "422", "tests/jobs/specs/test_training.py"),
        Budget("one of them", "app.jobs.specs.options:MAX_TAG_LENGTH", "characters", "422", "tests/jobs/specs/test_training.py"),
        Budget("unknown fields of a spec for which the nearest name is looked for", "app.jobs.specs.options:MAX_SUGGESTIONS", "", "the rest is not listed", "tests/api/test_jobs.py"),
        Budget("aliases with which one that is not there is compared", "app.registry.service:MAX_COMPARED_ALIASES", "", "the rest is not compared", "tests/api/test_aliases.py"),
        Budget("data sets with which one that is not there is compared", "app.datasets.service:MAX_COMPARED", "", "the rest is not compared", DATASETS),
        Budget("the note of a model version", "app.api.schemas.models:MAX_NOTE_LENGTH", "characters", "422", "tests/api/test_models.py"),
        Budget("trainings in one comparison", "app.jobs.comparison:MAX_COMPARED", "", "422", "tests/api/test_comparison.py"),
        Budget("epochs of a training", "app.jobs.specs.recipe_fields:MAX_EPOCHS", "", "422", "tests/jobs/specs/test_training.py"),
        Budget("pictures in a batch of a training", "app.jobs.specs.recipe_fields:MAX_BATCH_SIZE", "", "422; also more than the data set has", "tests/jobs/specs/test_training.py"),
        Budget("synthetic digits, and outliers, per 128 of them", "app.jobs.specs.recipe_fields:MAX_PER_128", "", "422", "tests/jobs/specs/test_training.py"),
        Budget("learning rates x epochs x samples of a sweep", "app.jobs.specs.sweep_checks:MAX_STEPS", "", "422", "tests/jobs/specs/test_backprop.py"),
        Budget("the same x weights", "app.jobs.specs.sweep_checks:MAX_MULTIPLICATIONS", "", "422", "tests/jobs/specs/test_backprop.py"),
        Budget("steps with mini-batches of a sweep, of all its blocks of networks", "app.jobs.specs.sweep_checks:MAX_BATCHES", "", "422", "tests/jobs/specs/test_backprop.py"),
        Budget("lines of a derivation", "app.jobs.specs.trace:MAX_STEPS", "", "422", "tests/api/test_backprop.py"),
        Budget("steps taken again for the trace of a sweep", "models.backprop.sweeps.replay:MAX_STEPS", "", "422", "tests/models/backprop/test_optimizers.py"),
        Budget("weight points x learning rates x weights of a sweep", "app.jobs.specs.sweep_checks:MAX_PATH_NUMBERS", "", "422", "tests/jobs/specs/test_backprop.py"),
        Budget("memory of a chunk of gradients", "models.backprop.sweeps.landscape:MAX_WORKING_BYTES", "MB", "the work is cut into chunks", "test_sweep_memory.py"),
        Budget("final outputs of a sweep", "models.backprop.sweeps.result_size:MAX_FINAL_OUTPUTS", "", "422", "test_sweep_memory.py"),
        Budget("the result in a job's document", "models.backprop.sweeps.result_size:MAX_RESULT_BYTES", "MB", "the rest is in curves.npz only: `truncated`, `whole`", "test_results.py"),
        Budget("curve files, of the whole service", "max_curve_bytes", "MB", "507", "test_quota.py"),
        Budget("checkpoints and models, of the whole service", "max_training_bytes", "MB", "507; a search counts with all its trials and one model", "tests/worker/test_search.py"),
        Budget("the age of curve files", "curves_days", "days", "removed; 404", "test_quota.py"),
        Budget("time of a job", "app.jobs.specs.options:DAY_SECONDS", "s", "it fails with `time_limit`; `time_limit_seconds` of the spec", "tests/jobs/test_runs.py"),
        Budget("a worker without a step", "stall_seconds", "s", "another worker gets the job", "tests/jobs/test_dispatcher.py"),
        Budget("the wait of a training with `device: auto` for a GPU", "gpu_wait_seconds", "s", "then a CPU worker may run it as well", "tests/jobs/test_routing.py"),
        Budget("jobs of which the workers of the other device are told at once", "app.jobs.routing:MAX_OFFERS", "", "more at a later tick", "tests/jobs/test_routing.py"),
        Budget("networks whose figures on pictures stay in memory", "app.registry.gate:MAX_REMEMBERED", "", "measured again, in 0.1 s", "tests/registry/test_gate.py"),
        Budget("trials of a search", "app.jobs.specs.search:MAX_TRIALS", "", "422", "tests/jobs/specs/test_search.py"),
        Budget("trials of a search at once", "app.jobs.specs.search:MAX_PARALLEL", "", "422; the others wait, also those that a retry queues again", "tests/worker/test_search.py"),
        Budget("settings that a search varies", "app.jobs.specs.search:MAX_DIMENSIONS", "", "422", "tests/jobs/specs/test_search.py"),
        Budget("values of one of them", "app.jobs.specs.search:MAX_VALUES", "", "422", "tests/jobs/specs/test_search.py"),
        Budget("threads of a training", "training_threads", "", "the cores of this machine, shared among its training workers, if not set", "test_training_threads.py"),
        Budget("trainings at once", "training_workers", "", "the others wait", "tests/processes/test_supervisor.py"),
    ],
    "Answers": [
        Budget("downloads at once", "app.serving.downloads:MAX_DOWNLOADS", "", "429", "test_downloads.py"),
        Budget("a reader that takes nothing", "app.serving.downloads:MAX_STILL_SECONDS", "s", "closed", "test_downloads.py"),
        Budget("its pace", "app.serving.downloads:MIN_BYTES_PER_SECOND", "bytes a second", "closed", "test_downloads.py"),
        Budget("figures, and derivations, that wait to be made", "app.serving.figures:MAX_WAITING_FIGURES", "", "429", "test_plots.py"),
        Budget("requests that wait for them", "app.serving.figures:MAX_FIGURE_REQUESTS", "", "429", "test_plots.py"),
        Budget("figures and derivations that are kept", "app.serving.figures:MAX_KEPT_BYTES", "MB", "the least recently used go", "test_plots.py"),
        Budget("pictures that the network reads for one `explain=true`", "models.inference.explanation:MAX_OCCLUSIONS", "", "a picture has no more places; threads and waiting requests are those that decode pictures over 16 kB", "tests/models/inference/test_explanation.py"),
        Budget("clients that wait for a job's end", "app.jobs.event_feed:MAX_WAITS", "", "202 at once", "test_waits.py"),
        Budget("how long they may", "app.api.jobs:MAX_WAIT_SECONDS", "s", "422", "tests/api/test_jobs.py"),
    ],
    "Readiness": [
        Budget("share of the time that checks of the SQLite file take", "app.database_watch:MAX_SHARE", "", "the file is read less often", "test_readiness.py"),
        Budget("between two of them", "app.database_watch:MIN_SECONDS", "s at least", "waits", "test_readiness.py"),
    ],
    "Logs": [
        Budget("a path in a log line or an answer", "app.redaction:MAX_SHOWN_PATH_LENGTH", "characters", "cut", "test_disclosure.py"),
    ],
}
# fmt: on


def main() -> None:
    PAGE.write_text(render())


def render() -> str:
    parts = [HEAD]
    for title, budgets in SECTIONS.items():
        parts.append(f"## {title}\n| what | default | setting | past it | test | where |\n|---|---:|---|---|---|---|")
        parts.append("\n".join(_row(budget) for budget in budgets) + "\n")
    return "\n".join(parts)


def _row(budget: Budget) -> str:
    is_setting = ":" not in budget.place
    setting = f"`NUMERAL_{budget.place.upper()}`" if is_setting else ""
    where = "`app/config.py`" if is_setting else f"`{budget.place}`"
    file = budget.test if "/" in budget.test else f"tests/limits/{budget.test}"
    test = f"`{file}`" if budget.test else ""
    value = read(budget.place)
    number = "none" if value is None else f"{_write(value, budget.unit)} {budget.unit}".strip()
    return f"| {budget.what} | {number} | {setting} | {budget.answer} | {test} | {where} |"


def read(place: str) -> Any:
    """The number that a row is about."""
    module, _, name = place.partition(":")
    if not name:
        return Settings.model_fields[place].default
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found


def _write(value: Any, unit: str) -> str:
    if isinstance(value, tuple):
        return ", ".join(f"{each:,}" for each in value)
    if unit == "MB":
        return f"{value / 2**20:,.4g}"
    return f"{value:,}" if isinstance(value, int) else f"{value:,g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
