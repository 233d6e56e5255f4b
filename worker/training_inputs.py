"""What a training starts from: its pictures, and its first weights."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load
from torch import nn

from app.datasets import service as datasets
from app.jobs import service as jobs
from app.registry import service as registry
from app.storage import Storage
from models.errors import CheckpointUnusable
from models.recipes import Recipe
from models.training.data import Dataset, Split, from_pictures, load_dataset, mix_in
from models.training.evaluation import evaluate
from models.training.run import build_digit_network
from worker.retrying import retry_while_unavailable
from worker.runner import Run


@dataclass(frozen=True)
class Start:
    """How the network is built, and the version whose weights it gets: {version, weights_sha256, lineage}.

    The lineage lists the data sets that those weights have seen: {version, dataset, sha256} of that version, of the one
    it started from, and so on. It is None if one of their cards does not say.
    """

    build: Callable[[Recipe], nn.Module]
    origin: dict[str, Any] | None

    def describe(self, recipe: Recipe, test: Split) -> dict[str, Any] | None:
        """Returns `origin` with how those weights read the test split, to be compared with what was learnt."""
        if self.origin is None:
            return None
        found = evaluate(self.build(recipe), test)
        return self.origin | {"test": {"accuracy": found.accuracy, "correct": found.correct, "total": found.total}}


def inputs_of_job(run: Run) -> dict[str, Any]:
    """What the names in the job's spec stood for at its submission (app/jobs/inputs.py)."""
    job = retry_while_unavailable(lambda: jobs.get(run.sessions, run.claim.job_id))
    return job.inputs or {}


class TrainingInputs:
    """Loads what `inputs` names: a data set by its sha256, a version by its number; and the built-in data sets."""

    def __init__(
        self, run: Run, storage: Storage, inputs: dict[str, Any], *, data_dir: Path, mnist_dir: Path | None
    ) -> None:
        self._run, self._storage, self._inputs = run, storage, inputs
        self._data_dir, self._mnist_dir = data_dir, mnist_dir

    def dataset(self, name: str, *, mix: float) -> Dataset:
        """Returns the data set with a share of MNIST added to its training pictures.

        Raises DatasetUnavailable, DatasetUnusable; DatasetNotFound if it was deleted; ArtifactDamaged.
        """
        own = self._inputs.get("dataset")
        dataset = self._load(name) if own is None else self._fetch(name, own["sha256"])
        return mix_in(dataset, self._load("mnist"), mix) if mix else dataset

    def start(self) -> Start:
        """Raises ModelNotFound if the version was deleted, ArtifactDamaged, CheckpointUnusable."""
        version = self._inputs.get("start_from")
        if version is None:
            return Start(build_digit_network, None)
        sessions, name = self._run.sessions, registry.WEIGHTS_FILE
        file = retry_while_unavailable(lambda: registry.find_file(sessions, version, name))
        weights = self._patiently(lambda: self._storage.get(file.name, sha256=file.sha256))
        card = retry_while_unavailable(lambda: registry.get(sessions, version))[0].card
        origin = {"version": version, "weights_sha256": file.sha256, "lineage": trace_lineage(version, card)}
        return Start(partial(_build_from, weights), origin)

    def _load(self, name: str) -> Dataset:
        return load_dataset(name, data_dir=self._data_dir, mnist_dir=self._mnist_dir)

    def _fetch(self, name: str, sha256: str) -> Dataset:
        sessions, storage = self._run.sessions, self._storage
        pictures = self._patiently(lambda: datasets.read_pictures(sessions, storage, name, sha256=sha256))
        return from_pictures(name, sha256, pictures)

    def _patiently(self, call: Callable[[], Any]) -> Any:
        return retry_while_unavailable(call, between_tries=self._run.check)


def trace_lineage(version: str, card: dict[str, Any]) -> list[dict[str, str]] | None:
    """Returns the lineage of a training that starts from this version."""
    own = {"version": version, "dataset": card["dataset"]["name"], "sha256": card["dataset"]["sha256"]}
    origin = card.get("start_from")
    earlier = origin.get("lineage") if origin else []
    return None if earlier is None else [own, *earlier]


def _build_from(weights: bytes, recipe: Recipe) -> nn.Module:
    """The digit network with these weights, a safetensors file. Raises CheckpointUnusable."""
    network = build_digit_network(recipe)
    try:
        network.load_state_dict(load(weights))
    except (SafetensorError, RuntimeError) as error:
        raise CheckpointUnusable(f"The weights to start from are not those of the digit network: {error}.") from error
    return network
