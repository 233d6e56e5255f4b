"""Settings that are given by file: NUMERAL_DATABASE_URL_FILE names a file that holds NUMERAL_DATABASE_URL.

A password in an environment variable is shown to whoever may inspect a container; one in a file is not.
"""

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic.fields import FieldInfo
from pydantic_settings import PydanticBaseSettingsSource

from app.errors import ConfigurationError

SHORTEST_PASSWORD = 16
WITH_PASSWORD = ("NUMERAL_DATABASE_URL_FILE", "NUMERAL_REDIS_URL_FILE")


class SecretFiles(PydanticBaseSettingsSource):
    """The settings for which the environment names a file. Raises ConfigurationError for one that is no secret."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        variable = f"NUMERAL_{field_name.upper()}_FILE"
        path = os.environ.get(variable)
        return (_read(variable, Path(path)) if path else None), field_name, False

    def __call__(self) -> dict[str, Any]:
        found = {name: self.get_field_value(field, name)[0] for name, field in self.settings_cls.model_fields.items()}
        return {name: value for name, value in found.items() if value is not None}


def _read(variable: str, path: Path) -> str:
    try:
        secret = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise ConfigurationError(f"{variable} names {path}, which cannot be read: {reason}.") from error
    if not secret:
        raise ConfigurationError(f"{variable} names {path}, which is empty; write the setting into it.")
    if variable in WITH_PASSWORD:
        _require_strong_password(variable, path, secret)
    return secret


def _require_strong_password(variable: str, path: Path, url: str) -> None:
    try:
        password = urlsplit(url).password or ""
    except ValueError as error:
        raise ConfigurationError(f"{variable} names {path}, which holds no URL that can be read.") from error
    if len(password) < SHORTEST_PASSWORD:
        raise ConfigurationError(
            f"{variable} names {path}, whose URL has {'a weak password' if password else 'no password'}; give one of "
            f"{SHORTEST_PASSWORD} characters or more, such as `openssl rand -hex 24` makes."
        )
