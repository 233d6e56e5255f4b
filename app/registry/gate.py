"""The gate: what a version must show before it becomes champion, the one that serves predictions.

It and every version that it started from must have been trained on MNIST alone. It must read at least 99.40 % of
MNIST's test set, and be at least as good as the present champion on MNIST's validation set and on pictures as people
send them (models/inference/picture_probe.py). As good means not a picture less: there is no tolerance, since both are
measured on the same pictures.
"""

from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from app.errors import StorageUnavailable
from app.registry.tables import Alias, ModelVersion
from app.storage import Storage
from models.inference.classifier import DigitClassifier
from models.inference.picture_probe import PictureFigures, figures_of_card, measure_on_pictures

CHAMPION = "champion"  # the alias that serves predictions by default
MODEL_FILE = "model.onnx"
CHAMPION_DATASET = "mnist"
MAX_REMEMBERED = 64  # networks whose figures are kept in memory
MIN_CHAMPION_ACCURACY = 0.9940  # on MNIST's test set


_measured: dict[str, PictureFigures] = {}  # by the sha256 of the network's file, on which alone they depend


class Verdict(NamedTuple):
    """Whether a version may become champion, and the reasons with the figures: against it, or for it."""

    is_passed: bool
    reasons: tuple[str, ...]

    def __str__(self) -> str:
        return "; ".join(self.reasons)


def judge(candidate: ModelVersion, champion: ModelVersion | None, storage: Storage | None) -> Verdict:
    """Returns the verdict on `candidate`. The figures of a version whose card lacks them are measured on its network.

    Without a store, versions whose cards lack the figures on pictures are compared by the others alone.
    """
    accuracy = candidate.card["test"]["accuracy"]
    if (other := _find_other_data(candidate.card)) is not None:
        return Verdict(False, (f"{other}; only versions trained on mnist may become champion",))
    against = []
    if accuracy < MIN_CHAMPION_ACCURACY:
        against.append(f"{accuracy:.2%} of the test set is below the gate of {MIN_CHAMPION_ACCURACY:.2%}")
    if champion is not None and champion.number != candidate.number:
        against += _compare(candidate, champion, storage)
    if against:
        return Verdict(False, tuple(against))
    return Verdict(True, (f"{accuracy:.2%} of the test set, validation and pictures not below the present champion's",))


def present_champion(session: Session) -> ModelVersion | None:
    alias = session.get(Alias, CHAMPION)
    return None if alias is None else session.get(ModelVersion, alias.number)


def figures_on_pictures(version: ModelVersion, storage: Storage | None) -> PictureFigures | None:
    """Returns those of the card, else of the network itself; None if there is no file of it. Raises StorageUnavailable.

    What was measured is remembered, so calling this before a transaction keeps that short.
    """
    if (known := figures_of_card(version.card)) is not None:
        return known
    file = version.files.get(MODEL_FILE)
    return None if storage is None or file is None else _measure(storage, file["artifact"], file["sha256"])


def _measure(storage: Storage, artifact: str, sha256: str) -> PictureFigures:
    figures = _measured.get(sha256)
    if figures is None:
        figures = measure_on_pictures(DigitClassifier(storage.get(artifact, sha256=sha256)))
        if len(_measured) >= MAX_REMEMBERED:
            _measured.clear()
        _measured[sha256] = figures
    return figures


def _find_other_data(card: dict[str, Any]) -> str | None:
    """Returns on what else than MNIST the weights have been trained, None if on nothing else.

    A data set of a user may hold any pictures, those of MNIST's test and validation sets included.
    """
    if (dataset := card["dataset"]["name"]) != CHAMPION_DATASET:
        return f"trained on {dataset}"
    origin = card.get("start_from")
    if not origin:
        return None
    if origin.get("lineage") is None:
        return f"started from version {origin['version']}, and its card does not say on what that was trained"
    for ancestor in origin["lineage"]:
        if ancestor["dataset"] != CHAMPION_DATASET:
            return f"started from version {ancestor['version']}, which was trained on {ancestor['dataset']}"
    return None


def _compare(candidate: ModelVersion, champion: ModelVersion, storage: Storage | None) -> list[str]:
    """Returns in what `candidate` is worse than `champion`."""
    worse = []
    own, best = (version.card["validation"]["accuracy"] for version in (candidate, champion))
    if own < best and _find_other_data(champion.card) is None:  # a forced one may have learnt the validation set
        worse.append(
            f"its validation accuracy of {own:.4%} is below the {best:.4%} of the present champion, "
            f"version {champion.number}"
        )
    try:
        mine, theirs = (figures_on_pictures(version, storage) for version in (candidate, champion))
    except StorageUnavailable as error:
        return [*worse, f"the pictures could not be judged: {error}"]
    if mine and theirs and mine.accuracy < theirs.accuracy:
        worse.append(
            f"it reads {mine.correct} of {mine.total} pictures of the kinds that people send, fewer than the "
            f"{theirs.correct} of the present champion, version {champion.number}"
        )
    return worse
