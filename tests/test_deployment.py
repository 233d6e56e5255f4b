"""What docker-compose.yml, the Dockerfile and the lock files promise. That they work is tried by `make e2e-compose`."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from models.revision import find_commit

ROOT = Path(__file__).parents[1]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
REFERENCE = re.compile(r"^([a-z0-9-]+)==([^ ]+)", re.MULTILINE)
EXTRAS = {
    "api": ("postgres", "s3"),
    "worker-cpu": ("postgres", "s3", "worker"),
    "worker-cuda": ("postgres", "s3", "worker"),
}


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_has_no_rights_that_it_does_not_need(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    assert "privileged" not in service


def test_only_the_front_and_what_people_look_at_is_published_and_only_to_this_host() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert set(published) == {"front", "prometheus", "grafana"}
    for [port] in published.values():
        assert re.match(r"127\.0\.0\.1:|\$\{NUMERAL_PUBLISH:-127\.0\.0\.1\}:", port)


def test_database_and_redis_are_on_an_internal_network_alone() -> None:
    for name in ("postgres", "redis"):
        assert [COMPOSE["networks"][network] for network in SERVICES[name]["networks"]] == [{"internal": True}]


def test_what_must_outlast_a_container_lies_in_a_volume_and_redis_forgets_nothing() -> None:
    assert "postgres:/var/lib/postgresql/data" in SERVICES["postgres"]["volumes"]
    assert "redis:/data" in SERVICES["redis"]["volumes"]
    assert "data:/data" in SERVICES["api"]["volumes"]
    shared = [[one for one in SERVICES[name]["volumes"] if "secrets" not in one] for name in ("api", "worker")]
    assert shared[0] == shared[1]
    assert "--appendonly yes --maxmemory-policy noeviction" in SERVICES["redis"]["command"][-1]


def test_no_password_stands_in_an_environment() -> None:
    for service in SERVICES.values():
        for variable in service.get("environment", {}):
            assert not re.search("PASSWORD|_URL", variable) or re.search("_FILE$|STORAGE_URL", variable), variable


def test_each_service_has_its_own_secrets_and_only_one_service_has_all() -> None:
    has = {
        name: [one for one in map(str, service.get("volumes", [])) if "secrets" in one]
        for name, service in SERVICES.items()
    }
    assert [name for name, volumes in has.items() if any("NUMERAL_SECRETS" in one for one in volumes)] == ["secrets"]
    for name in ("api", "worker", "migrate", "postgres", "redis", "grafana"):
        assert has[name] == [f"secrets-{name}:/run/secrets:ro"]
        assert f"secrets-{name}:/secrets/{name}" in has["secrets"]
    assert has["front"] == has["prometheus"] == []


def test_secrets_are_made_once_and_each_service_gets_what_it_needs(tmp_path: Path) -> None:
    script = (ROOT / "deploy/make_secrets.sh").read_text()
    services = ("api", "worker", "migrate", "postgres", "redis", "grafana")
    for folder in ("all", *services):
        (tmp_path / folder).mkdir()
    moved = script.replace("/run/secrets\n", f"{tmp_path}/all\n").replace("/secrets/", f"{tmp_path}/")
    runs = []
    for _ in range(2):
        subprocess.run(["sh", "-c", moved], check=True)
        runs.append({file.relative_to(tmp_path): file.read_text() for file in tmp_path.rglob("*") if file.is_file()})
    assert runs[0] == runs[1]
    given = {name: sorted(file.name for file in (tmp_path / name).iterdir()) for name in services}
    assert given == {
        "api": ["database_url", "redis_url"],
        "worker": ["database_url", "redis_url"],
        "migrate": ["database_url"],
        "postgres": ["postgres_password"],
        "redis": ["redis_password"],
        "grafana": ["grafana_password"],
    }
    (tmp_path / "all" / "admin_key").write_text("key")
    subprocess.run(["sh", "-c", moved], check=True)
    assert (tmp_path / "api" / "admin_key").read_text() == "key"
    (tmp_path / "all" / "admin_key").unlink()
    subprocess.run(["sh", "-c", moved], check=True)
    assert not (tmp_path / "api" / "admin_key").exists()


def test_every_image_can_be_pinned_by_digest() -> None:
    for name, service in SERVICES.items():
        image = service["image"]
        assert image.startswith("numeral-") or re.fullmatch(r"\$\{[A-Z]+_IMAGE:-[a-z/]+:[a-z0-9.-]+\}", image), name
    arguments = SERVICES["api"]["build"]["args"]
    assert arguments["PYTHON"].startswith("${PYTHON_IMAGE:-")


def test_pinning_writes_the_digest_of_each_image_once(tmp_path: Path) -> None:
    (tmp_path / "deploy").mkdir()
    shutil.copy(ROOT / "deploy/digests.sh", tmp_path / "deploy")
    shutil.copy(ROOT / "docker-compose.yml", tmp_path)
    (tmp_path / ".env").write_text("NUMERAL_PORT=8001\nREDIS_IMAGE=redis:1@sha256:0\n")
    docker = tmp_path / "docker"
    docker.write_text('#!/bin/sh\necho "sha256:$(echo "$@" | sha256sum | cut -c-64)"\n')
    docker.chmod(0o755)
    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    for _ in range(2):
        subprocess.run([tmp_path / "deploy/digests.sh"], env=environment, check=True, capture_output=True)
    lines = (tmp_path / ".env").read_text().splitlines()
    assert "NUMERAL_PORT=8001" in lines
    names = ["GRAFANA", "HAPROXY", "POSTGRES", "PROMETHEUS", "PYTHON", "REDIS"]
    assert sorted(line.partition("_IMAGE=")[0] for line in lines if "_IMAGE=" in line) == names
    assert all(re.fullmatch(r"[^@]+:[^@]+@sha256:[0-9a-f]{64}", line) for line in lines if "_IMAGE=" in line)
    docker.write_text("#!/bin/sh\nexit 1\n")
    failed = subprocess.run(
        [tmp_path / "deploy/digests.sh"], env=environment, check=False, capture_output=True, text=True
    )
    assert failed.returncode != 0
    assert "no registry tells the digest" in failed.stderr


def test_front_closes_what_stands_still_before_the_api_does() -> None:
    text = (ROOT / "deploy/haproxy.cfg").read_text()
    seconds = {
        name: int(value) for name, value in re.findall(r"timeout (http-request|http-keep-alive|client) (\d+)s", text)
    }
    assert seconds["http-request"] <= 10
    assert 60 <= seconds["http-keep-alive"] < 75
    assert seconds["client"] <= 30
    [frontend] = re.findall(r"frontend http\n.*?maxconn (\d+)", text, re.DOTALL)
    assert int(frontend) < 4096  # NUMERAL_MAX_CONNECTIONS of one process
    assert "forwardfor" not in text
    assert "set-header X-Forwarded-For %[src]" in text


@pytest.mark.parametrize("image", ["api", "worker-cpu", "worker-cuda"])
def test_bill_of_materials_names_what_an_image_installs_and_is_always_the_same(image: str, tmp_path: Path) -> None:
    (tmp_path / "status").write_text(
        "Package: zlib1g\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1:1.2.13\n\n"
        "Package: gone\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 1\n"
    )
    files = [f"requirements/{image}.txt", "app/console/vendor", str(tmp_path / "status")]
    command = [sys.executable, "deploy/sbom.py", image, *files]
    first, second = (
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True, env={}).stdout for _ in range(2)
    )
    assert first == second
    document = json.loads(first)
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.5")
    found = {(one["name"], one["version"]) for one in document["components"]}
    locked = set(REFERENCE.findall((ROOT / f"requirements/{image}.txt").read_text()))
    makefile = (ROOT / "Makefile").read_text()
    vendored = {tuple(each.rsplit("@", 1)) for each in re.findall(r"^VENDOR = (.*)$", makefile, re.M)[0].split()}
    assert found == locked | vendored | {("zlib1g", "1:1.2.13")}
    assert any(one["purl"].startswith("pkg:npm/preact@") for one in document["components"])


def test_what_make_run_installs_is_what_the_project_asks_for_each_with_a_hash() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    asked = [*project["dependencies"], *extras["embedded"], *extras["worker"]]
    texts = {name: (ROOT / f"requirements/{name}.txt").read_text() for name in ("run", "torch")}
    locked = {name: dict(REFERENCE.findall(text)) for name, text in texts.items()}
    for requirement in asked:
        package, version = re.sub(r"\[.*?\]", "", requirement).split("==")
        assert locked["torch" if package == "torch" else "run"].get(package) == version, (
            f"{requirement}: run `make lock`"
        )
    for text in texts.values():
        assert all("--hash=sha256:" in block for block in re.split(r"\n(?=\S)", text.strip()))
    pinned = dict(REFERENCE.findall((ROOT / "constraints.txt").read_text()))
    assert {name: version for name, version in locked["run"].items() if pinned.get(name, version) != version} == {}


def test_what_runs_on_is_restarted_and_bounded() -> None:
    for name in set(SERVICES) - {"migrate", "secrets"}:
        assert SERVICES[name]["restart"] == "unless-stopped"
        assert set(SERVICES[name]["deploy"]["resources"]["limits"]) == {"memory", "pids"}


def test_images_run_as_nobody_in_particular_and_need_no_frontend_from_a_registry() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert "# syntax=" not in dockerfile
    runtime = dockerfile.partition("AS runtime")[2]
    assert "USER 10001:10001" in runtime
    assert runtime.count("HEALTHCHECK") == 2
    assert all(
        "--require-hashes" in line
        for line in re.findall(r"^.*-r requirements.*$", dockerfile.replace("\\\n", ""), re.M)
    )


@pytest.mark.parametrize("name", EXTRAS)
def test_lock_files_hold_what_the_project_asks_for_each_with_a_hash(name: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = project["dependencies"] + [one for extra in EXTRAS[name] for one in project["optional-dependencies"][extra]]
    text = (ROOT / f"requirements/{name}.txt").read_text()
    locked = dict(REFERENCE.findall(text))
    for requirement in asked:
        package, version = re.sub(r"\[.*?\]", "", requirement).split("==")
        assert locked.get(package) in (version, f"{version}+cpu"), f"{requirement}: run `make lock`"
    assert all("--hash=sha256:" in block for block in re.split(r"\n(?=\S)", text.strip()))


def test_api_image_has_no_torch() -> None:
    assert "torch" not in dict(REFERENCE.findall((ROOT / "requirements/api.txt").read_text()))


def test_version_is_raised_everywhere_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert tomllib.loads((ROOT / "client/pyproject.toml").read_text())["project"]["version"] == version
    assert f"\nARG VERSION={version}\n" in (ROOT / "Dockerfile").read_text()
    released = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert next(name for name in released if name != "Unreleased") == version
    monkeypatch.setenv("NUMERAL_REVISION", "0123abc")  # as the Dockerfile sets it
    assert find_commit(tmp_path) == "0123abc"
    assert "NUMERAL_REVISION=$REVISION" in (ROOT / "Dockerfile").read_text()
