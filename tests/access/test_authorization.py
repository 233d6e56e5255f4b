import logging
import re
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from app.access import keys as service
from app.access.scopes import ADMIN, scopes_for
from app.db import Sessions
from tests.api.test_health import wait_until
from tests.api_keys import PIXELS, bearer, make_key, prepare
from tests.conftest import serve
from tests.fakes import RecordedNotifier

SWEEP = {"kind": "backprop_sweep"}
REFUSED = (401, 429)  # the second once a test has looked often enough


class ServerWithKeys(NamedTuple):
    client: httpx.Client
    sessions: Sessions
    predict: str
    train: str
    admin: str


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerWithKeys]:
    """A service with one key of each scope."""
    settings, sessions = prepare(tmp_path_factory.mktemp("server"))
    keys = [make_key(sessions, scope) for scope in ("predict", "train", "admin")]
    with serve(settings, RecordedNotifier()) as client:
        yield ServerWithKeys(client, sessions, *keys)
    sessions.close()


def test_without_a_key_only_health_and_pages_are_open(server: ServerWithKeys) -> None:
    opened = ["/livez", "/readyz", "/v2/health/live", "/v2/health/ready", "/", "/docs", "/openapi.json"]
    assert [server.client.get(path).status_code for path in opened] == [200] * len(opened)
    for method, path in [("POST", "/v1/predict"), ("GET", "/v1/jobs"), ("GET", "/metrics"), ("GET", "/nothing")]:
        answer = server.client.request(method, path)
        assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json"), path
        assert answer.headers["www-authenticate"] == 'Bearer realm="numeral"'
        assert "X-API-Key" in answer.json()["detail"]


def test_open_inference_protocol_says_it_in_its_own_form(server: ServerWithKeys) -> None:
    answer = server.client.post("/v2/models/digits/infer", json={})
    assert (answer.status_code, list(answer.json())) == (401, ["error"])
    assert "www-authenticate" in answer.headers


@pytest.mark.parametrize(
    ("method", "path", "predict", "train", "admin"),
    [
        ("POST", "/v1/predict", 200, 403, 200),
        ("GET", "/v1/models", 200, 200, 200),
        ("GET", "/v1/models/aliases/champion", 200, 200, 200),
        ("GET", "/v2/models/digits", 200, 403, 200),
        ("GET", "/v1/jobs", 403, 200, 200),
        ("POST", "/v1/jobs", 403, 202, 202),
        ("GET", "/v1/datasets", 403, 200, 200),
        ("POST", "/v1/datasets", 403, 415, 415),
        ("DELETE", "/v1/datasets/none", 403, 404, 404),
        ("POST", "/v1/predictions/feedback", 415, 415, 415),
        ("PUT", "/v1/models/aliases/champion", 403, 403, 422),
        ("DELETE", "/v1/models/1", 403, 403, 409),
        ("PATCH", "/v1/models/1", 403, 415, 415),
        ("PATCH", "/v1/models/aliases/champion", 403, 403, 405),
        ("GET", "/v1/recipes", 403, 200, 200),
        ("GET", "/v1/system", 403, 403, 200),
        ("POST", "/v1/system", 403, 403, 405),
        ("GET", "/v1/nope", 404, 404, 404),
        ("POST", "/v1/model/1", 404, 404, 404),
        ("GET", "/metrics", 403, 403, 200),
    ],
)
def test_each_scope_opens_its_own(
    server: ServerWithKeys, method: str, path: str, predict: int, train: int, admin: int
) -> None:
    bodies = {"/v1/predict": PIXELS, "/v1/jobs": SWEEP, "/v1/models/aliases/champion": {}}
    found = [
        server.client.request(
            method, path, headers=bearer(key), json=bodies.get(path) if method in ("POST", "PUT") else None
        ).status_code
        for key in (server.predict, server.train, server.admin)
    ]
    assert found == [predict, train, admin]


def test_a_key_may_come_in_either_header(server: ServerWithKeys) -> None:
    for headers in ({"X-API-Key": server.predict}, {"Authorization": f"bearer  {server.predict}"}):
        assert server.client.post("/v1/predict", json=PIXELS, headers=headers).status_code == 200


def test_a_scope_that_is_missing_is_named(server: ServerWithKeys) -> None:
    answer = server.client.get("/v1/system", headers=bearer(server.train))
    assert "needs a key with the scope admin; this one has train" in answer.json()["detail"]


@pytest.mark.parametrize(
    "query", ["api_key=x", "key=x", "access_token=x", "x-api-key=x", "model=1&token=x", "a%70ikey=x"]
)
def test_a_key_in_the_url_is_refused_and_the_reason_said(server: ServerWithKeys, query: str) -> None:
    answer = server.client.get(f"/v1/models?{query}", headers=bearer(server.admin))
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:numeral:KeyInUrl")
    assert "revoke it" in answer.json()["detail"]


def test_our_own_key_is_recognised_under_any_name_in_a_url_also_where_all_is_open(server: ServerWithKeys) -> None:
    assert server.client.get(f"/livez?x={server.predict}").status_code == 400


def test_every_documented_endpoint_is_in_the_table_of_scopes_or_meant_for_admin(server: ServerWithKeys) -> None:
    meant = {
        ("GET", "/metrics"), ("GET", "/v1/system"), ("PUT", "/v1/models/aliases/x"), ("DELETE", "/v1/models/x"),
        ("POST", "/v1/models/aliases/x/rollback"), ("DELETE", "/v1/models/aliases/x"),
    }  # fmt: skip
    paths = server.client.get("/openapi.json").json()["paths"]
    found = {
        (method.upper(), re.sub(r"{\w+}", "x", path))
        for path, operations in paths.items()
        for method in operations
        if scopes_for(method.upper(), re.sub(r"{\w+}", "x", path)) == ADMIN
    }
    assert found == meant


def test_revoked_key_is_refused_within_seconds(server: ServerWithKeys) -> None:
    key = make_key(server.sessions, "predict")

    def status() -> int:
        return server.client.get("/v1/models", headers=bearer(key)).status_code

    wait_until(lambda: status() == 200, seconds=5)
    service.revoke(server.sessions, key.split("_")[1])
    revoked = time.monotonic()
    wait_until(lambda: status() in REFUSED, seconds=5)
    assert time.monotonic() - revoked < 5


def test_expired_key_is_refused(server: ServerWithKeys) -> None:
    _, key = service.create(server.sessions, "short", ["predict"], valid_for=timedelta(seconds=3))

    def status() -> int:
        return server.client.get("/v1/models", headers=bearer(key)).status_code

    wait_until(lambda: status() == 200, seconds=2.5)
    wait_until(lambda: status() in REFUSED, seconds=6)


def test_tries_with_wrong_keys_are_limited_and_the_right_one_still_works(tmp_path: Path) -> None:
    settings, sessions = prepare(tmp_path)
    good = make_key(sessions, "predict")
    wrong = good[:-1] + ("0" if good[-1] != "0" else "1")
    with serve(settings, RecordedNotifier()) as client:
        answers = [client.get("/v1/models", headers=bearer(wrong)) for _ in range(25)]
        # 25 tries lie in two windows of a minute at most
        assert 5 <= [answer.status_code for answer in answers].count(429) <= 15
        assert answers[0].status_code == 401
        assert 'error="invalid_token"' in answers[0].headers["www-authenticate"]
        refused = next(answer for answer in answers if answer.status_code == 429)
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert client.get("/v1/models", headers=bearer(good)).status_code == 200
        assert client.get("/v1/models").status_code == 401
    sessions.close()


def test_once_there_was_a_key_the_door_stays_shut_without_one(tmp_path: Path) -> None:
    settings, sessions = prepare(tmp_path)
    with serve(settings, RecordedNotifier()) as client:
        assert client.get("/v1/models").status_code == 200
        service.revoke(sessions, make_key(sessions, "predict").split("_")[1])
        wait_until(lambda: client.get("/v1/models").status_code == 401, seconds=5)
    sessions.close()


def test_key_of_the_settings_may_do_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "admin_key"
    file.write_text("k8sTz_0123456789abcdefghijklmnopqrstuv\n")
    monkeypatch.setenv("NUMERAL_ADMIN_KEY_FILE", str(file))
    settings, sessions = prepare(tmp_path / "data")
    with serve(settings, RecordedNotifier()) as client:
        assert client.get("/v1/system").status_code == 401
        assert client.get("/v1/system", headers=bearer(file.read_text().strip())).status_code == 200
    sessions.close()


def test_without_keys_neither_another_name_nor_another_page_is_served(tmp_path: Path) -> None:
    settings, sessions = prepare(tmp_path)
    with serve(settings, RecordedNotifier()) as client:
        rebound = client.get("/v1/models", headers={"Host": "evil.example"})
        assert (rebound.status_code, rebound.json()["type"]) == (403, "urn:numeral:OriginRefused")
        rollback = "/v1/models/aliases/champion/rollback"
        assert client.post(rollback, headers={"Origin": "https://evil.example"}).status_code == 403
        assert client.post(rollback, headers={"Origin": str(client.base_url).rstrip("/")}).status_code == 409
        assert client.get("/v1/models", headers={"Host": f"localhost:{settings.port}"}).status_code == 200
    sessions.close()


def test_who_changed_what_is_written_down_with_key_and_request_and_no_secret(
    server: ServerWithKeys, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    job = server.client.post("/v1/jobs", json=SWEEP, headers=bearer(server.train)).json()["id"]
    server.client.post(f"/v1/jobs/{job}/cancel", headers=bearer(server.train) | {"X-Request-Id": "mine-1"})
    server.client.put("/v1/models/aliases/champion", json={"version": "1"}, headers=bearer(server.predict))
    server.client.post("/v1/predict", json=PIXELS, headers=bearer(server.predict))
    lines = [record for record in caplog.records if record.name == "numeral.audit"]
    assert [record.getMessage() for record in lines] == [
        "POST /v1/jobs 202",
        f"POST /v1/jobs/{job}/cancel 200",
        "PUT /v1/models/aliases/champion 403",
    ]
    assert [vars(record).get("location") for record in lines] == [f"/v1/jobs/{job}", None, None]
    assert [vars(record)["key"] for record in lines] == [
        key.split("_")[1] for key in (server.train, server.train, server.predict)
    ]
    assert not any(key in caplog.text for key in (server.predict, server.train, server.admin))


@pytest.mark.parametrize("sent", ["ok-1.2:3_x", "", "a" * 65, "line\tbreak", "<script>"])
def test_request_ids_come_back_if_they_are_harmless(server: ServerWithKeys, sent: str) -> None:
    found = server.client.get("/livez", headers={"X-Request-Id": sent}).headers["x-request-id"]
    assert found == sent if sent == "ok-1.2:3_x" else re.fullmatch("[0-9a-f]{16}", found)


def test_answers_carry_what_protects_a_browser(server: ServerWithKeys) -> None:
    for path in ("/", "/docs", "/livez", "/v1/nothing"):
        headers = server.client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_pages_run_scripts_and_styles_of_this_service_alone(server: ServerWithKeys, path: str) -> None:
    page = server.client.get(path)
    policy = page.headers["content-security-policy"]
    assert "script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self';" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:|https?:", page.text)


def test_cors_is_for_the_origins_that_are_named(tmp_path: Path) -> None:
    settings, sessions = prepare(tmp_path, cors_origins="https://one.example,https://two.example")
    key = make_key(sessions, "predict")
    with serve(settings, RecordedNotifier()) as client:
        asked = {"Origin": "https://two.example", "Access-Control-Request-Method": "POST"}
        assert client.options("/v1/predict", headers=asked).headers["access-control-allow-origin"] == asked["Origin"]
        assert client.post("/v1/predict", headers=asked).headers["access-control-allow-origin"] == asked["Origin"]
        answer = client.get("/v1/models", headers=bearer(key) | {"Origin": "https://other.example"})
        assert "access-control-allow-origin" not in answer.headers
    sessions.close()


def test_metrics_can_be_opened_alone(tmp_path: Path) -> None:
    settings, sessions = prepare(tmp_path, metrics_open=True)
    make_key(sessions, "predict")
    with serve(settings, RecordedNotifier()) as client:
        assert client.get("/metrics").status_code == 200
        assert client.get("/v1/system").status_code == 401
    sessions.close()
