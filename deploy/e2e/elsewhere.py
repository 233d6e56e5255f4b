"""A worker on another machine, which has three URLs and nothing else: deploy/e2e/elsewhere.py, as root

The other machine is a network namespace: its worker reaches the database, Redis and an S3 server (moto's, on this host)
by a private address alone. The stack's own worker is stopped, so that nobody else can have done the work.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from stack import ROOT, SEVEN, client, compose, docker, epochs, require, submit, wait_for, wait_for_end

HOST, OTHER, S3_PORT, NAMESPACE = "10.77.0.1", "10.77.0.2", 8352, "numeral-elsewhere"
S3 = {
    "NUMERAL_STORAGE_URL": "s3://numeral/artifacts",
    "AWS_ENDPOINT_URL": f"http://{HOST}:{S3_PORT}",
    "AWS_ACCESS_KEY_ID": "trial",
    "AWS_SECRET_ACCESS_KEY": "trial",
    "AWS_DEFAULT_REGION": "us-east-1",
    "NUMERAL_PRIVATE_ADDRESS": HOST,
    "COMPOSE_FILE": "docker-compose.yml:deploy/s3.yml:deploy/more_machines.yml",
}


def main() -> None:
    os.environ.update(S3)
    with other_machine(), TemporaryDirectory() as folder, s3_server(), stack(), client() as asking:
        with running(("ip", "netns", "exec", NAMESPACE, *numeral("worker")), environment=three_urls(folder)):
            training = submit(asking, kind="mnist_training", dataset="optdigits", epochs=20)
            version = wait_for_end(asking, training)["result"]["model_version"]
            require(epochs(asking, training) == list(range(1, 21)), "each epoch was reported once")
            wait_for_end(asking, submit(asking, kind="backprop_sweep", epochs=20_000))
            answer = asking.post(f"/v1/predict?model={version}", content=SEVEN, headers={"Content-Type": "image/png"})
            require(answer.raise_for_status().json()["model"]["version"] == version, "the API serves it, from S3")
        require(not any(Path(folder).rglob("*.onnx")), "the other machine kept no artifacts")
    print(f"A worker on {OTHER}, with three URLs, trained model {version}; the API serves it from S3.")


def three_urls(folder: str) -> dict[str, str]:
    names = ("database_url", "redis_url")
    found = {name: compose("exec", "-T", "api", "cat", f"/run/secrets/{name}") for name in names}
    urls = {f"NUMERAL_{name.upper()}": re.sub(r"@\w+:", f"@{HOST}:", url) for name, url in found.items()}
    return os.environ | urls | {"NUMERAL_DATA_DIR": folder, "PYTHONPATH": str(ROOT)}


def numeral(command: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "app.cli", command)


@contextmanager
def other_machine() -> Iterator[None]:
    inside = ("ip", "netns", "exec", NAMESPACE)
    commands: list[Any] = [
        ("ip", "netns", "add", NAMESPACE),
        ("ip", "link", "add", "numeral0", "type", "veth", "peer", "name", "numeral1", "netns", NAMESPACE),
        ("ip", "address", "add", f"{HOST}/24", "dev", "numeral0"),
        ("ip", "link", "set", "numeral0", "up"),
        (*inside, "ip", "address", "add", f"{OTHER}/24", "dev", "numeral1"),
        (*inside, "ip", "link", "set", "numeral1", "up"),
        (*inside, "ip", "link", "set", "lo", "up"),
    ]
    try:
        for command in commands:
            subprocess.run(command, check=True)
        yield
    finally:
        subprocess.run(("ip", "link", "delete", "numeral0"), check=False)
        subprocess.run(("ip", "netns", "delete", NAMESPACE), check=False)


@contextmanager
def s3_server() -> Iterator[None]:
    with running((sys.executable, "-m", "moto.server", "--host", HOST, "--port", str(S3_PORT))):
        url = f"http://{HOST}:{S3_PORT}/numeral"
        wait_for(lambda: httpx.put(url).is_success, "the S3 server")
        yield


@contextmanager
def stack() -> Iterator[None]:
    compose("down", "--volumes")
    try:
        compose("up", "--detach", "--wait", "--scale", "worker=0")
        require(docker("ps", "--quiet", "--filter", "name=numeral-trial-worker") == "", "no worker runs in the stack")
        yield
    finally:
        compose("down", "--volumes")


@contextmanager
def running(command: tuple[str, ...], *, environment: dict[str, str] | None = None) -> Iterator[None]:
    process = subprocess.Popen(command, env=environment)
    try:
        yield
    finally:
        process.terminate()
        process.wait(60)


if __name__ == "__main__":
    main()
