"""What clients and networks commonly do: HEAD, proxies, plain forms, slashes at the end, streams that have ended."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.raw import ApiProcess, post, read_answer

SEVEN = Path(__file__).parents[2] / "docs" / "examples" / "seven.png"
VARYING = ("date", "x-request-id")
OPEN = ("/livez", "/readyz", "/v2/health/live", "/v2/health/ready", "/", "/docs", "/openapi.json")
READABLE = ("/v1/models", "/v1/models/1", "/v1/models/aliases/champion", "/v1/models/1/files/card.json", "/v1/jobs",
            "/v1/system", "/metrics", "/v2", "/v2/models/digits", "/v2/models/digits/ready", "/v2/models/digits/stats",
            "/v1/backprop/trace.svg", "/v1/backprop/trace.md")  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiProcess]:
    server = ApiProcess(tmp_path_factory.mktemp("habits") / "data")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def job(server: ApiProcess) -> str:
    job_id: str = server.client.post("/v1/jobs", json={"kind": "backprop_sweep"}).json()["id"]
    return job_id


def ask(server: ApiProcess, method: str, path: str) -> tuple[int, dict[str, str]]:
    """Status and headers; after a HEAD, the next answer on the same connection shows that no body came."""
    with server.connect() as connection:
        connection.sendall(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        if method == "GET":
            status, headers, _ = read_answer(connection)
        else:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += connection.recv(1)
            first, *lines = head.decode("latin-1").strip().split("\r\n")
            status, headers = int(first.split()[1]), dict(line.lower().split(": ", 1) for line in lines)
            connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert read_answer(connection)[2].startswith(b'{"live":true,'), path
    return status, {name: value.lower() for name, value in headers.items() if name not in VARYING}


@pytest.mark.parametrize("path", [*OPEN, *READABLE, "/nothing", "/v1/jobs/x", "/v1/models/99", "/v1/models/"])
def test_head_has_the_status_and_headers_of_get_and_no_body(server: ApiProcess, path: str) -> None:
    found, expected = ask(server, "HEAD", path), ask(server, "GET", path)
    if path in ("/metrics", "/v2/models/digits/stats", "/v1/system"):  # their texts grow with each request
        found[1].pop("content-length"), expected[1].pop("content-length")
    assert found == expected
    assert found[0] == 200 or path not in (*OPEN, *READABLE)


@pytest.mark.parametrize("path", ["", "/plot.svg", "/plot.png", "/events"])
def test_head_of_a_job_and_of_its_endless_events_answers_at_once(server: ApiProcess, job: str, path: str) -> None:
    status, headers = ask(server, "HEAD", f"/v1/jobs/{job}{path}")
    assert status == 200
    assert headers["content-type"].startswith("text/event-stream") == (path == "/events")
    assert server.client.get("/livez").is_success


def test_head_stands_in_allow_and_is_refused_where_there_is_no_get(server: ApiProcess) -> None:
    assert ask(server, "HEAD", "/v1/predict")[0] == 405
    assert server.client.put("/readyz").headers["Allow"] == "GET, HEAD"
    assert server.client.get("/v1/predict").headers["Allow"] == "POST"


@pytest.mark.parametrize("path", ["/v1/models/", "/v1/jobs/?limit=3", "/readyz/", "/docs/"])
def test_a_slash_at_the_end_leads_to_the_path_without_and_to_no_other_host(server: ApiProcess, path: str) -> None:
    answer = server.client.get(path)
    assert (answer.status_code, answer.headers["Location"]) == (307, path.replace("/?", "?").rstrip("/"))
    assert server.client.get(path, follow_redirects=True).is_success


@pytest.mark.parametrize("path", ["//evil.example/", "//v1/models/", "/%2Fevil.example/", "/\\evil.example/", "/x/"])
def test_other_paths_lead_nowhere(server: ApiProcess, path: str) -> None:
    with server.connect() as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        status, headers, _ = read_answer(connection)
    assert (status, "location" in headers) == (404, False)


def part(name: str, content: bytes, more: str = "") -> bytes:
    return f'--b0\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + content + b"\r\n"


FILE, FIELD = part("file", SEVEN.read_bytes(), '; filename="7.png"\r\nContent-Type: image/png'), part("csrf", b"t")
PLAIN = part("file", SEVEN.read_bytes())


@pytest.mark.parametrize(
    ("parts", "status", "said"),
    [
        ([FILE], 200, ""),
        ([PLAIN], 200, ""),
        ([FIELD, PLAIN, part("submit", "Senden ü".encode())], 200, ""),
        ([part("upload", b"", '; filename=""'), FILE], 200, ""),
        ([b"preamble\r\n" + FILE], 200, ""),
        ([FILE, PLAIN], 422, "one picture in the field 'file'"),
        ([FIELD], 422, "one picture in the field 'file'"),
        ([], 422, "one picture in the field 'file'"),
        ([FIELD] * 40 + [FILE], 422, "more than 33 parts"),
        ([FILE, b"--b0\r\nno header"], 422, "cut off|has no headers"),
        ([b"--b0\r\n" + b"A: b\r\n" * 1_000 + b"\r\n\r\n"], 422, "4,096 bytes"),
        ([b"--b1" + FILE[4:]], 422, "boundary is not in it|one picture"),
        ([b"--b0" + b" " * 10_000_000], 422, "no line ends"),
        ([part("file", b"")], 422, "nothing in it"),
    ],
)  # fmt: skip
def test_forms_of_browsers_and_scripts_are_read(server: ApiProcess, parts: list[bytes], status: int, said: str) -> None:
    end = b"--b0--\r\n" if b"no header" not in b"".join(parts) else b""
    with server.connect() as connection:
        connection.sendall(post("/v1/predict", 'multipart/form-data; boundary="b0"', b"".join(parts) + end))
        found, _, answer = read_answer(connection)
    assert found == status, answer
    assert any(word in answer.decode() for word in said.split("|")), answer


def test_a_batch_form_takes_up_to_256_pictures_beside_other_fields(server: ApiProcess) -> None:
    picture = part("files", SEVEN.read_bytes())
    for count, status in ((1, 200), (3, 200), (257, 422)):
        body = FIELD + picture * count + b"--b0--"
        answer = server.client.post(
            "/v1/predict/batch", content=body, headers={"Content-Type": "multipart/form-data; boundary=b0"}
        )
        assert answer.status_code == status, answer.text
        assert status == 422 or len(answer.json()["items"]) == count


@pytest.mark.parametrize("content_type", ["multipart/form-data", f"multipart/form-data; boundary={'b' * 71}"])
def test_a_form_without_a_boundary_is_refused_by_name(server: ApiProcess, content_type: str) -> None:
    answer = server.client.post("/v1/predict", content=FILE, headers={"Content-Type": content_type})
    assert (answer.status_code, "boundary" in answer.json()["detail"]) == (422, True)


def test_the_stream_of_an_ended_job_tells_its_reader_to_stop_asking(server: ApiProcess) -> None:
    events = f"/v1/jobs/{server.client.post('/v1/jobs', json={'kind': 'backprop_sweep'}).json()['id']}/events"
    job = server.client.post(events.replace("/events", "/cancel")).json()
    assert job["status"] == "cancelled"
    stream = server.client.get(events, headers={"Accept": "text/event-stream"})
    *_, last = stream.text.strip().split("\n\n")
    fields = dict(line.split(": ", 1) for line in last.split("\n"))
    assert (fields["event"], fields["retry"]) == ("status", "10000")
    for seen, status in ((fields["id"], 204), ("999", 204), (str(int(fields["id"]) - 1), 200), ("", 200)):
        answer = server.client.get(events, headers={"Accept": "text/event-stream", "Last-Event-ID": seen})
        assert (answer.status_code, bool(answer.content)) == (status, status == 200)
    page = server.client.get(events, headers={"Accept": "application/json", "Last-Event-ID": fields["id"]})
    assert page.json() == {"items": [], "next_cursor": None}


PROXIES: dict[str, dict[str, str]] = {
    "a proxy": {"HTTP_PROXY": "http://127.0.0.1:9"},
    "in small letters": {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"},
    "with exceptions that do not help": {"HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": "localhost,127.0.0.0/8"},
    "SOCKS": {"ALL_PROXY": "socks5://127.0.0.1:1080"},
    "what is none": {"ALL_PROXY": "nonsense://x"},
}


def run(server: ApiProcess, variables: dict[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"NUMERAL_PORT": str(server.port), "NUMERAL_DATA_DIR": str(server.log.parent / "data")}
    return subprocess.run([sys.executable, "-m", *command], env=environment | variables, capture_output=True, text=True)


@pytest.mark.parametrize("variables", PROXIES.values(), ids=PROXIES.keys())
def test_the_own_address_is_not_asked_through_a_proxy(server: ApiProcess, variables: dict[str, str]) -> None:
    found = run(server, variables, "app.cli", "predict", str(SEVEN))
    assert (found.returncode, ": 7 " in found.stdout) == (0, True), found.stderr
    found = run(server, variables, "app.cli", "jobs", "--url", f"http://localhost:{server.port}")
    assert found.returncode == 0, found.stderr
    found = run(server, variables, "app.processes.health", "api")
    assert (found.returncode, '"ready":true' in found.stdout) == (0, True), found.stdout
    found = run(server, variables, "app.cli", "doctor")
    assert "is ready" in found.stdout, found.stdout + found.stderr


@pytest.mark.parametrize("name", ["SOCKS", "what is none"])
def test_a_proxy_that_cannot_be_used_for_another_host_is_said_without_a_traceback(
    server: ApiProcess, name: str
) -> None:
    found = run(server, PROXIES[name], "app.cli", "jobs", "--url", "http://numeral.example")
    assert found.returncode == 1
    assert found.stderr.startswith("error: ")
    assert len(found.stderr.splitlines()) == 1


def test_large_json_is_packed_for_those_who_accept_it_and_alike_for_head(server: ApiProcess) -> None:
    plain = server.client.get("/openapi.json", headers={"Accept-Encoding": "identity"})
    packed = server.client.get("/openapi.json", headers={"Accept-Encoding": "br, gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["vary"] == "accept-encoding"
    assert int(packed.headers["content-length"]) < len(plain.content) / 4
    assert packed.json() == plain.json()
    head = server.client.head("/openapi.json", headers={"Accept-Encoding": "gzip"})
    assert head.headers["content-length"] == packed.headers["content-length"]
    refused = server.client.get("/openapi.json", headers={"Accept-Encoding": "gzip;q=0"})
    assert "content-encoding" not in refused.headers
    assert "content-encoding" not in server.client.get("/readyz", headers={"Accept-Encoding": "gzip"}).headers


def test_lists_leave_out_the_long_parts_of_specs(server: ApiProcess) -> None:
    inputs = [[0.1, 0.2]] * 60
    sweep = {"kind": "backprop_sweep", "inputs": inputs, "targets": [[0.5, 0.5]] * 60, "name": "long"}
    job = server.client.post("/v1/jobs", json=sweep).json()
    assert job["spec"]["inputs"] == inputs
    (item,) = server.client.get("/v1/jobs", params={"name": "long"}).json()["items"]
    assert item["spec_left_out"] == ["inputs", "targets"]
    assert "inputs" not in item["spec"]
    assert item["spec"]["learning_rates"] == job["spec"]["learning_rates"]


def test_browsers_find_the_icon(server: ApiProcess) -> None:
    assert server.client.get("/favicon.ico").headers["content-type"] == "image/svg+xml"
