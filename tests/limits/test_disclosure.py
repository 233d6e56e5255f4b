"""What logs and answers tell, what is kept of an answer, and how often somebody without a key may ask."""

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from app.config import Settings
from app.db import Sessions
from app.redaction import CONTROLS, MAX_SHOWN_PATH_LENGTH, escape_controls, mask_keys, show_path
from tests.api_keys import bearer, make_key, prepare
from tests.conftest import free_port, serve
from tests.fakes import RecordedNotifier
from tests.raw import ApiProcess, read_answer

KEY = "numeral_4f0c9be1a2_" + "ab" * 32
MASKED = "numeral_4f0c9be1a2_***"
NOWHERE = "postgresql://nobody@127.0.0.1:9/none"
INTERNALS = re.compile(r"127\.0\.0\.1|port|nobody|/tmp|\.db|socket|artifacts/|refused|folder")


class Guarded(NamedTuple):
    server: ApiProcess
    data_dir: Path
    predict: dict[str, str]
    admin: dict[str, str]


def start(folder: Path, **settings: str) -> Guarded:
    """A service with a `predict` and an `admin` key."""
    server = ApiProcess(folder / "data", **settings)
    sessions = Sessions(Settings(data_dir=folder / "data").resolved_database_url)
    predict, admin = bearer(make_key(sessions, "predict")), bearer(make_key(sessions, "admin"))
    sessions.close()
    wait_for(lambda: server.client.get("/v1/models").status_code in (401, 429))
    return Guarded(server, folder / "data", predict, admin)


def wait_for(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture(scope="module", params=["console", "json"])
def guarded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    guarded = start(tmp_path_factory.mktemp("disclosure"), NUMERAL_LOG_FORMAT=request.param)
    yield guarded
    guarded.server.stop()


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    settings = {"NUMERAL_RATE_LIMIT_PER_ADDRESS": "5/minute"}
    limited = start(tmp_path_factory.mktemp("limited"), **settings)
    yield limited
    limited.server.stop()


def ask(server: ApiProcess, method: str, path: str, *headers: str) -> tuple[int, dict[str, str], str]:
    with server.connect() as connection:
        lines = (f"{method} {path} HTTP/1.1", "Host: localhost", *headers, "Content-Length: 0", "", "")
        connection.sendall("\r\n".join(lines).encode("latin-1"))
        status, found, body = read_answer(connection)
    return status, found, body.decode()


def test_what_a_client_sends_makes_no_line_in_the_log_and_no_control_character(guarded: Guarded) -> None:
    lines = len(guarded.server.log.read_text().splitlines())
    sent = ("%0a13:37:00 [info     ] FORGED", "%0d%0aFORGED", "%1b[2J", "%1b]0;x%07", "%c2%9b2J", "%e2%80%a8FORGED",
            "%e2%80%aeDEGROF", "%7f", "%00", "%ff%fe")  # fmt: skip
    for path in sent:
        assert ask(guarded.server, "POST", f"/x{path.replace(' ', '%20')}")[0] == 401
        ask(guarded.server, "POST", "/v1/models", f"X-Forwarded-For: 1{path}", f"X-Request-Id: {path}")
    wait_for(lambda: len(guarded.server.log.read_text().splitlines()) >= lines + 2 * len(sent))
    text = guarded.server.log.read_text()
    assert not CONTROLS.search(text.replace("\n", ""))
    assert len(text.splitlines()) == lines + 2 * len(sent)
    assert all("POST" in line for line in text.splitlines()[lines:])


def test_a_long_path_is_cut_in_log_and_answer(guarded: Guarded) -> None:
    status, _, answer = ask(guarded.server, "POST", "/" + "a" * 40_000)
    assert (status, len(answer) < 1_500) == (401, True)
    _, _, answer = ask(guarded.server, "GET", "/" + "b" * 40_000, f"Authorization: {guarded.admin['Authorization']}")
    assert (len(answer) < 1_500, len(json.loads(answer)["instance"])) == (True, MAX_SHOWN_PATH_LENGTH)
    assert max(map(len, guarded.server.log.read_text().splitlines())) < 600


@pytest.mark.parametrize("path", [f"/v1/jobs/{KEY}", f"/{KEY}/x", f"/v2/models/{KEY}", f"/livez/{KEY}", f"/x?a={KEY}"])
def test_a_key_in_the_url_is_refused_and_stands_in_no_log_and_no_answer(guarded: Guarded, path: str) -> None:
    for method in ("GET", "DELETE"):
        for headers in ((), (f"Authorization: {guarded.admin['Authorization']}",)):
            status, _, answer = ask(guarded.server, method, path, *headers)
            assert (status, KEY in answer) == (400, False)
            assert "revoke it" in answer
    ask(guarded.server, "DELETE", "/v1/jobs/1", f"X-Request-Id: {KEY[:60]}", f"X-Forwarded-For: {KEY}")
    wait_for(lambda: MASKED in guarded.server.log.read_text() or "?" in path)
    assert KEY[:40] not in guarded.server.log.read_text()


@pytest.mark.parametrize("first", ["good", "bad"])
def test_two_credentials_are_refused(guarded: Guarded, first: str) -> None:
    good, bad = guarded.admin["Authorization"], f"Bearer {KEY}"
    one, other = (good, bad) if first == "good" else (bad, good)
    bare = {value: value.removeprefix("Bearer ") for value in (one, other)}
    for headers in (
        (f"Authorization: {one}", f"Authorization: {other}"),
        (f"Authorization: {good}", f"Authorization: {good}"),
        (f"X-API-Key: {bare[one]}", f"X-API-Key: {bare[other]}"),
        (f"Authorization: {one}", f"X-API-Key: {bare[other]}"),
    ):
        status, _, answer = ask(guarded.server, "GET", "/v1/models", *headers)
        assert (status, json.loads(answer)["type"]) == (400, "urn:numeral:KeyAmbiguous")
    same = (f"Authorization: {good}", f"X-API-Key: {bare[good]}")
    assert ask(guarded.server, "GET", "/v1/models", *same)[0] == 200
    other_scheme = ("Authorization: Basic eDp5", f"X-API-Key: {bare[good]}")
    assert ask(guarded.server, "GET", "/v1/models", *other_scheme)[0] == 200


def test_answers_to_keys_are_not_stored(guarded: Guarded) -> None:
    for path in ("/v1/models", "/v1/models/1/files/card.json", "/v1/system", "/v2/models/digits", "/metrics", "/x"):
        assert guarded.server.client.get(path, headers=guarded.admin).headers["Cache-Control"] == "no-store"
        assert guarded.server.client.get(path).headers["Cache-Control"] == "no-store"  # the 401 too
    for path in ("/", "/docs"):
        assert guarded.server.client.get(path).headers["Cache-Control"] == "no-cache"


def test_strangers_learn_which_part_is_lost_and_admin_learns_why(tmp_path: Path) -> None:
    server, data_dir, predict, admin = start(tmp_path)
    try:
        (data_dir / "artifacts").rename(data_dir / "away")
        wait_for(lambda: server.client.get("/readyz").status_code == 503)
        card = "/v1/models/1/files/card.json"
        for headers, path in (({}, "/readyz"), ({}, "/v2/health/ready"), (predict, "/readyz"), (predict, card)):
            answer = server.client.get(path, headers=headers)
            assert (answer.status_code, "rtifact" in answer.text) == (503, True), answer.text
            assert not INTERNALS.search(answer.text), answer.text
        assert str(data_dir) in server.client.get("/readyz", headers=admin).text
        assert str(data_dir) in server.log.read_text()
    finally:
        server.stop()


def test_while_the_keys_are_not_known_strangers_learn_that_it_is_the_database(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings(data_dir=tmp_path, port=free_port(), database_url=NOWHERE)
    with serve(settings, RecordedNotifier()) as client:
        for method, path in (
            ("GET", "/readyz"),
            ("GET", "/v2/health/ready"),
            ("GET", "/v1/jobs"),
            ("POST", "/v1/predict"),
        ):
            answer = client.request(method, path)
            assert (answer.status_code, "database" in answer.text) == (503, True)
            assert not INTERNALS.search(answer.text), answer.text
    assert "nobody" in caplog.text or "port 9" in caplog.text


@pytest.mark.parametrize("path", ["/v1/models", "/readyz", "/openapi.json", "/", "/v2/health/ready", "/nothing"])
def test_the_limit_of_an_address_holds_without_a_key_and_shuts_out_no_key(limited: Guarded, path: str) -> None:
    statuses = [limited.server.client.get(path).status_code for _ in range(50)]
    assert statuses.count(429) >= 25  # 5 a minute in two minutes at most, and 5 probes a second
    answer = limited.server.client.get("/openapi.json")
    assert (answer.status_code, int(answer.headers["Retry-After"]) <= 60) == (429, True)
    assert limited.server.client.get("/v1/models", headers=limited.predict).status_code in (200, 429)
    for alive in ("/livez", "/v2/health/live"):
        assert {limited.server.client.get(alive).status_code for _ in range(50)} == {200}


def test_a_probe_each_half_second_is_never_limited(limited: Guarded) -> None:
    time.sleep(1)  # until the probes of other tests are out of their window
    for _ in range(40):
        limited.server.client.get("/openapi.json")
    for _ in range(6):
        time.sleep(0.5)  # the pace of deploy/haproxy.cfg, not a wait
        assert (answer := limited.server.client.get("/readyz")).status_code == 200, answer.text


def test_a_key_goes_on_while_strangers_at_its_address_are_limited(tmp_path: Path) -> None:
    settings, sessions = prepare(tmp_path, rate_limit_per_address="20/minute")
    key = bearer(make_key(sessions, "predict"))
    sessions.close()
    with serve(settings, RecordedNotifier()) as client:
        assert 429 in [client.get("/openapi.json").status_code for _ in range(60)]
        assert 429 in [client.get("/v1/models").status_code for _ in range(60)]
        assert client.get("/v1/models", headers=key).status_code == 200


@pytest.mark.parametrize("name", ["C0", "DEL", "C1", "ends of lines", "directions", "surrogates"])
def test_every_kind_of_control_character_is_escaped(name: str) -> None:
    kinds = {
        "C0": range(0x20),
        "DEL": [0x7F],
        "C1": range(0x80, 0xA0),
        "ends of lines": [0x2028, 0x2029],
        "directions": [0x200E, *range(0x202A, 0x202F), *range(0x2066, 0x206A)],
        "surrogates": [0xD800, 0xDFFF],
    }
    for code in kinds[name]:
        assert re.fullmatch(r"a\\[xunrt][0-9a-f]*b", escape_controls(f"a{chr(code)}b"))
    assert escape_controls("é 7 ✓ 数") == "é 7 ✓ 数"


def test_keys_are_masked_before_a_path_is_cut() -> None:
    assert mask_keys(f"a{KEY}b {KEY.upper()}") == f"a{MASKED} NUMERAL_4F0C9BE1A2_***"
    assert KEY[:30] not in show_path("/" + "a" * 175 + KEY)
