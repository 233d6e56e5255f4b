"""Prints the bill of materials of an image as CycloneDX JSON: python3 sbom.py NAME LOCK_FILE VENDOR [DPKG_STATUS]

It lists the packages of a lock file (requirements/), the JavaScript libraries of the console (app/console/vendor/) and,
with dpkg's status file, the packages of Debian. The same files give the same bytes: no time and no random number is in
it. It needs Python alone, and no network.
"""

import json
import re
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)
NAMESPACE = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")  # of URLs, RFC 4122


def main(name: str, lock: Path, vendor: Path, status: Path | None = None) -> None:
    components = [*python_packages(lock.read_text()), *npm_packages(vendor)]
    if status is not None:
        components += debian_packages(status.read_text())
    print(json.dumps(bill(name, components), indent=1, sort_keys=True))


def bill(name: str, components: list[dict[str, Any]]) -> dict[str, Any]:
    """Returns the document. Its serial number follows from its content."""
    ordered = sorted(components, key=lambda component: str(component["purl"]))
    content = json.dumps([name, ordered], sort_keys=True)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid5(NAMESPACE, content)}",
        "version": 1,
        "metadata": {"component": {"type": "container", "name": f"numeral-{name}", "bom-ref": f"numeral-{name}"}},
        "components": ordered,
    }


def python_packages(lock: str) -> Iterator[dict[str, Any]]:
    """The packages that a lock file pins, each once."""
    for name, version in sorted(set(PIN.findall(lock))):
        yield component(name, version, f"pkg:pypi/{name.lower().replace('_', '-')}@{quote(version)}")


def npm_packages(vendor: Path) -> Iterator[dict[str, Any]]:
    """The libraries in a folder that `make vendor` filled: each has a file VERSION, which says name@version."""
    for file in sorted(vendor.glob("*/VERSION")):
        name, _, version = file.read_text().strip().rpartition("@")
        yield component(name, version, f"pkg:npm/{quote(name, safe='/')}@{quote(version)}")


def debian_packages(status: str) -> Iterator[dict[str, Any]]:
    """The packages that dpkg has installed."""
    for block in status.split("\n\n"):
        fields = dict(re.findall(r"^([A-Za-z-]+): (.*)$", block, re.MULTILINE))
        if fields.get("Status", "").endswith(" installed"):
            name, version, architecture = fields["Package"], fields["Version"], fields["Architecture"]
            yield component(name, version, f"pkg:deb/debian/{name}@{quote(version)}?arch={architecture}")


def component(name: str, version: str, purl: str) -> dict[str, Any]:
    return {"type": "library", "name": name, "version": version, "purl": purl, "bom-ref": purl}


if __name__ == "__main__":
    main(sys.argv[1], *map(Path, sys.argv[2:]))
