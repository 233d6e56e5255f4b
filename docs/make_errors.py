"""Writes docs/errors.md from the code: python docs/make_errors.py. tests/test_docs.py holds the page to it."""

from http import HTTPStatus
from itertools import groupby
from pathlib import Path

from app.api.documented_errors import all_errors

PAGE = Path(__file__).with_name("errors.md")
HEAD = """# Errors

Every error of `/v1` is a problem document ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)), with the media type
`application/problem+json`:

```json
{"type": "urn:numeral:JobNotFound", "title": "Job not found", "status": 404,
 "detail": "There is no job 7. GET /v1/jobs lists the jobs that there are.", "instance": "/v1/jobs/7"}
```

- `type` says which error it is; programs should compare this. `about:blank` stands for what the status code alone says.
- `detail` is for people: what is wrong, and what to do. Its wording may change.
- `errors` lists the fields that are wrong, as `{"location", "message"}`. A location is a path in the request, such as
  `body.learning_rates.0` or `query.limit`.
- 429 and 503 come with `Retry-After`, in seconds. Requests with the same `Idempotency-Key` make one job only, so each
  of them can be sent again.

`/v2` answers errors as the Open Inference Protocol has them, `{"error": "..."}`, with 400 in place of 422.

`docs/make_errors.py` writes this page from the code.
"""


def make() -> str:
    """Returns the page."""
    parts = [HEAD]
    for status, errors in groupby(all_errors(), key=lambda error: error.status):
        phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else "Client Closed Request"
        parts.append(f"## {status} {phrase}\n")
        parts.append("| type | meaning |\n|---|---|")
        parts.append("\n".join(f"| `{error.type}` | {error.meaning} |" for error in errors) + "\n")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(make())
