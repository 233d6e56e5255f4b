"""What docker-compose.yml, the Dockerfile and the lock files promise. That they work is tried by `make e2e-compose`."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

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
    assert SERVICES["api"]["volumes"] == SERVICES["worker"]["volumes"]
    assert "--appendonly yes --maxmemory-policy noeviction" in SERVICES["redis"]["command"][-1]


def test_no_password_stands_in_an_environment() -> None:
    for service in SERVICES.values():
        for variable in service.get("environment", {}):
            assert not re.search("PASSWORD|_URL", variable) or re.search("_FILE$|STORAGE_URL", variable), variable


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
