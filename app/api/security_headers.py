"""Response headers that restrict what a browser does with an answer."""

import base64
import hashlib
import re

Headers = list[tuple[bytes, bytes]]

DATA_POLICY = (  # of data; an SVG brings its own styles
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
SWAGGER = "https://cdn.jsdelivr.net/npm/"  # where FastAPI's /docs loads its scripts from


def common_headers(*, is_shared: bool) -> Headers:
    """The headers of every response; `is_shared` where pages of other origins may use it."""
    named = {
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "cross-origin" if is_shared else "same-origin",
    }
    return [(name.encode(), value.encode()) for name, value in named.items()]


def docs_policy(page: str) -> str:
    """The policy of /docs: its inline script, named by its hash, scripts from SWAGGER, requests to this service."""
    scripts = re.findall(r"<script>(.*?)</script>", page, re.S)
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    return (
        f"default-src 'none'; script-src {SWAGGER} {hashes}; style-src {SWAGGER} 'unsafe-inline'; "
        "img-src 'self' data: https://fastapi.tiangolo.com; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
