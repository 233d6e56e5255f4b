"""The settings: environment variables, files that these name, and `.env`, read once and passed down.

All have the prefix NUMERAL_.
"""

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from limits import parse_many
from pydantic import AfterValidator, Field
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from sqlalchemy import URL

from app.errors import ConfigurationError


def check_rules(rules: str) -> str:
    """The rules as they are. Raises ValueError with a sentence."""
    try:
        parse_many(rules)
    except ValueError as error:
        raise ValueError(f"{rules!r} is no rate limit: write it like 100/second;2000/minute") from error
    return rules


RateLimit = Annotated[str, AfterValidator(check_rules)]
Origins = Annotated[str, Field(pattern=r"^$|^https?://[^\s/,*]+(,https?://[^\s/,*]+)*$")]
MIN_PASSWORD_LENGTH = 16  # of a URL that stands in a file
URLS_WITH_PASSWORD = ("NUMERAL_DATABASE_URL_FILE", "NUMERAL_REDIS_URL_FILE")
MAX_SOCKET_PATH_BYTES = 100  # bytes; Linux takes 107, macOS 103


class Settings(BaseSettings):
    """What a deployment can change; `numeral up` needs none of it."""

    model_config = SettingsConfigDict(env_prefix="NUMERAL_", env_file=".env", frozen=True, extra="ignore")

    host: str = Field("127.0.0.1", description="the address the API listens on")
    published_host: str | None = Field(
        None, description="where others reach it, if not at that address: a container's published one"
    )
    port: int = Field(8000, ge=1, le=65535, description="the port the API listens on")
    data_dir: Path = Field(Path("data"), description="database, artifacts, sockets and data sets")
    database_url: str | None = Field(None, description="PostgreSQL or SQLite; SQLite in the data folder if not set")
    redis_url: str | None = Field(None, description="Redis or Valkey; the embedded one if not set")
    storage_url: str | None = Field(
        None, description="artifacts: a folder or s3://bucket/prefix; one in the data folder if not set"
    )
    mnist_dir: Path | None = Field(None, description="a folder that holds MNIST/raw; only read")
    api_processes: int = Field(1, ge=1, le=64, description="how many processes serve HTTP")
    serving_device: Literal["cpu", "cuda"] = Field("cpu", description="where predictions are computed")
    training_workers: int = Field(1, ge=1, le=64, description="how many trainings run at once")
    lease_seconds: float = Field(30.0, ge=1, description="how long a silent worker keeps its job")
    stall_seconds: float = Field(600.0, ge=60, description="how long a job may run without a step")
    max_queued: int = Field(10_000, ge=1, description="how many jobs of one kind may wait")
    drain_seconds: float = Field(1.0, ge=0, le=600, description="from SIGTERM, and not ready, until it listens no more")
    max_body_bytes: int = Field(32 * 2**20, ge=1024, description="the largest request body that is read")
    insecure: bool = Field(False, description="serve other machines without keys")
    admin_key_file: Path | None = Field(None, description="a file with one more key, which may do everything")
    rate_limit_per_key: RateLimit | None = Field(None, description="requests of one key: 100/second;2000/minute")
    rate_limit_per_address: RateLimit | None = Field(None, description="requests from one address")
    cors_origins: Origins = Field("", description="origins whose pages may ask, with commas between; none if not set")
    metrics_open: bool = Field(False, description="GET /metrics without a key")
    log_format: Literal["console", "json"] = Field("console", description="how log lines are written")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - a folder of secrets; pydantic-settings names it
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Options before variables, variables before the files that a variable names, those before `.env`."""
        return init_settings, env_settings, SecretFiles(settings_cls), dotenv_settings

    @property
    def reached_host(self) -> str:
        """The address at which others reach the service: whether keys are needed goes by it."""
        return self.published_host or self.host

    @property
    def resolved_database_url(self) -> str:
        file = str(self.data_dir.resolve() / "numeral.db")
        return self.database_url or URL.create("sqlite", database=file).render_as_string()

    @property
    def resolved_redis_url(self) -> str:
        return self.redis_url or f"redis+socket://{self.embedded_socket}"

    @property
    def url(self) -> str:
        """Where a client on this machine finds the API."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def embedded_socket(self) -> Path:
        """Where the embedded Valkey listens; beside the data unless that path is too long for a socket."""
        socket = self.data_dir.resolve() / "valkey.sock"
        if len(bytes(socket)) <= MAX_SOCKET_PATH_BYTES:
            return socket
        return Path(tempfile.gettempdir()) / f"numeral-{hashlib.sha256(bytes(socket)).hexdigest()[:16]}.sock"

    @property
    def resolved_storage_url(self) -> str:
        return self.storage_url or str(self.data_dir / "artifacts")

    @property
    def metrics_dir(self) -> Path:
        """Where the processes behind one port count together."""
        return self.data_dir.resolve() / "metrics" / str(self.port)

    def as_environment(self) -> dict[str, str]:
        """The same settings as variables, for a process that is started with them."""
        values = self.model_dump(mode="json", exclude_none=True)
        return {f"NUMERAL_{name.upper()}": str(value) for name, value in values.items()}


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
    if variable in URLS_WITH_PASSWORD:
        _require_strong_password(variable, path, secret)
    return secret


def _require_strong_password(variable: str, path: Path, url: str) -> None:
    try:
        password = urlsplit(url).password or ""
    except ValueError as error:
        raise ConfigurationError(f"{variable} names {path}, which holds no URL that can be read.") from error
    if len(password) < MIN_PASSWORD_LENGTH:
        raise ConfigurationError(
            f"{variable} names {path}, whose URL has {'a weak password' if password else 'no password'}; give one of "
            f"{MIN_PASSWORD_LENGTH} characters or more, such as `openssl rand -hex 24` makes."
        )
