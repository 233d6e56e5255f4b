"""Who becomes champion: the network that ships against others whose cards say they are as good on MNIST."""

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from app.db import Sessions
from app.errors import GateNotPassed, ModelNotServable
from app.registry import alias_changes, aliases, gate, service
from app.registry.service import CARD_FILE, MODEL_FILE, SHIPPED
from app.storage.folder import FolderStorage
from models.inference.classifier import DigitClassifier
from models.inference.picture_probe import PROBE_FILE, load_probe, measure_on_pictures
from tests.networks import other_network


def blurred_network() -> bytes:
    """The shipped network with the weights of a middle layer disturbed: it reads the kinds of pictures worse."""
    network, random = onnx.load(SHIPPED / MODEL_FILE), np.random.default_rng(0)
    for tensor in network.graph.initializer:
        if tensor.name == "conv5.weight":
            weights = numpy_helper.to_array(tensor)
            noise = random.normal(0, 0.3 * weights.std(), weights.shape).astype(np.float32)
            tensor.CopyFrom(numpy_helper.from_array(weights + noise, tensor.name))
    content: bytes = network.SerializeToString()
    return content


def add(sessions: Sessions, storage: FolderStorage, model: bytes, source: str, **facts: Any) -> str:
    """Register a network with the shipped card, in which `facts` are replaced. Returns its version."""
    stored = service.store_files(storage, f"models/{source}", {MODEL_FILE: model, CARD_FILE: b"{}"})
    card = {name: fact for name, fact in service.get(sessions, "1")[0].card.items() if name != "pictures"} | facts
    with sessions.writing() as session:
        return service.register(session, source=f"job:{source}", card=card, files=stored)


def promote(sessions: Sessions, storage: FolderStorage, version: str) -> tuple[bool, str]:
    with sessions.writing() as session:
        return service.promote_if_better(session, version, storage)


@pytest.fixture
def shipped(sessions: Sessions, storage: FolderStorage) -> Sessions:
    service.install_shipped(sessions, storage)
    return sessions


def test_probe_is_small_balanced_and_read_by_the_network_that_ships() -> None:
    probe = load_probe()
    assert PROBE_FILE.stat().st_size < 300_000
    assert 300 <= len(probe.labels) <= 1000
    assert probe.images.shape == (len(probe.labels), 28, 28)
    assert np.bincount(probe.labels, minlength=10).min() > 0.09 * len(probe.labels)
    figures = measure_on_pictures(DigitClassifier.load(SHIPPED / MODEL_FILE))
    assert figures.accuracy > 0.96
    assert figures.total == len(probe.labels)
    assert figures.accepted_right <= figures.accepted <= figures.total
    assert figures.accepted_right >= 0.99 * figures.accepted


def test_version_that_reads_the_kinds_worse_is_not_promoted_and_says_how_many(
    shipped: Sessions, storage: FolderStorage
) -> None:
    worse = blurred_network()
    version = add(shipped, storage, worse, "worse", validation={"accuracy": 0.9999})
    promoted, why = promote(shipped, storage, version)
    correct = measure_on_pictures(DigitClassifier(worse)).correct
    best = measure_on_pictures(DigitClassifier.load(SHIPPED / MODEL_FILE)).correct
    assert not promoted
    assert f"it reads {correct} of {len(load_probe().labels)} pictures" in why
    assert f"the {best} of the present champion, version 1" in why
    assert service.resolve(shipped, "champion") == "1"


def test_version_that_reads_as_many_is_promoted(shipped: Sessions, storage: FolderStorage) -> None:
    version = add(shipped, storage, other_network(), "as-good")
    assert promote(shipped, storage, version)[0]
    assert service.resolve(shipped, "champion") == version


def test_what_a_card_says_counts_if_it_was_measured_on_the_same_pictures(
    shipped: Sessions, storage: FolderStorage
) -> None:
    figures = vars(measure_on_pictures(DigitClassifier(other_network())))
    poor = figures | {"accuracy": 0.5, "correct": 5, "total": 10}
    told = add(shipped, storage, other_network(), "told", pictures=poor)
    assert "it reads 5 of 10" in promote(shipped, storage, told)[1]
    stale = add(shipped, storage, other_network(), "stale", pictures=poor | {"probe_sha256": "of other pictures"})
    assert promote(shipped, storage, stale)[0]  # measured anew


def test_champion_whose_file_is_gone_keeps_its_place(shipped: Sessions, storage: FolderStorage) -> None:
    unread = add(shipped, storage, blurred_network(), "unread")
    row = service.get(shipped, "1")[0].files[MODEL_FILE]
    gate._measured.pop(row["sha256"], None)
    (storage.folder / row["artifact"]).unlink()
    promoted, why = promote(shipped, storage, unread)
    assert not promoted
    assert "could not be judged" in why
    service.measure_champion(shipped, storage)  # before a training registers its version: not its fault


def test_by_hand_the_gate_holds_unless_forced_and_the_history_keeps_that(
    shipped: Sessions, storage: FolderStorage
) -> None:
    poor = add(shipped, storage, blurred_network(), "poor", test={"accuracy": 0.99}, validation={"accuracy": 0.98})
    with pytest.raises(GateNotPassed) as refused:
        aliases.set_alias(shipped, "champion", poor, storage=storage)
    assert len(refused.value.reasons) == 3
    assert [word in str(refused.value) for word in ("99.00%", "98.0000%", "pictures", '"force": true')] == [True] * 4
    assert service.resolve(shipped, "champion") == "1"
    aliases.set_alias(shipped, "canary", poor, storage=storage)  # other aliases have no gate
    aliases.set_alias(shipped, "champion", poor, storage=storage, force=True)
    as_good = add(shipped, storage, other_network(), "as-good")
    aliases.set_alias(shipped, "champion", as_good, storage=storage, force=True)  # the gate lets it pass
    forced = [(change.version, change.forced) for change in aliases.history(shipped, "champion", limit=3)]
    assert forced == [(int(as_good), False), (int(poor), True), (1, False)]


def test_version_of_another_data_set_is_no_champion_even_by_force(shipped: Sessions, storage: FolderStorage) -> None:
    other = add(shipped, storage, other_network(), "small", dataset={"name": "optdigits"})
    with pytest.raises(ModelNotServable):
        aliases.set_alias(shipped, "champion", other, storage=storage, force=True)


def lineage(*names: str) -> list[dict[str, str]]:
    return [{"version": str(9 - place), "dataset": name, "sha256": "0"} for place, name in enumerate(names)]


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"lineage": lineage("mine")}, "started from version 9, which was trained on mine"),
        ({"lineage": lineage("mnist", "mine")}, "started from version 8, which was trained on mine"),
        ({"lineage": None}, "its card does not say on what that was trained"),
        ({}, "its card does not say on what that was trained"),
    ],
)
def test_weights_that_have_seen_other_data_are_not_promoted(
    shipped: Sessions, storage: FolderStorage, told: dict[str, Any], reason: str
) -> None:
    start = {"version": "9", "weights_sha256": "0"} | told
    promoted, why = promote(shipped, storage, add(shipped, storage, other_network(), "seen", start_from=start))
    assert not promoted
    assert reason in why


def test_weights_that_have_seen_mnist_alone_are_promoted(shipped: Sessions, storage: FolderStorage) -> None:
    start = {"version": "9", "weights_sha256": "0", "lineage": lineage("mnist", "mnist")}
    assert promote(shipped, storage, add(shipped, storage, other_network(), "honest", start_from=start))[0]


@pytest.mark.parametrize(
    "facts",
    [
        {"dataset": {"name": "mine", "sha256": "0"}},
        {"start_from": {"version": "9", "weights_sha256": "0", "lineage": lineage("mine")}},
    ],
)
def test_forced_champion_of_other_data_bars_no_honest_version(
    shipped: Sessions, storage: FolderStorage, facts: dict[str, Any]
) -> None:
    forced = add(shipped, storage, other_network(), "forced", validation={"accuracy": 1.0}, **facts)
    with shipped.writing() as session:
        alias_changes.move(session, "champion", int(forced), reason="forced", forced=True)
    honest = add(shipped, storage, other_network(), "honest")
    assert promote(shipped, storage, honest)[0]
