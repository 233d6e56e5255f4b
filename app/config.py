"""The settings, all with the prefix NUMERAL_: environment variables, `.env`, and files that NUMERAL_*_FILE name."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from limits import parse_many
from pydantic import AfterValidator, Field
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from sqlalchemy import URL

from app.errors import ConfigurationError
from app.validation_messages import nearest

MIN_PASSWORD_LENGTH = 16  # of a URL in a file
MIN_KEY_LENGTH, MAX_KEY_LENGTH, MIN_KEY_CHARACTERS = 32, 256, 10  # the last: how many different ones
MAX_SOCKET_PATH_BYTES = 100  # Linux allows 107, macOS 103
SOCKET_PATH = re.compile(r"[A-Za-z0-9/._-]+")  # other characters mean something in redis+socket:// to some library
SOCKET, SOCKET_LINK = "valkey.sock", "sockets"  # in the data folder; the link leads to a private folder elsewhere
OTHER_VARIABLES = {  # of docker-compose.yml and of the clients; those of an orchestrator are ignored
    "api_key", "url", "version", "revision", "publish", "private_address", "secrets", "api_memory", "worker_memory",
}  # fmt: skip
ROOT_PATH = re.compile(r"((/[A-Za-z0-9._~-]+)*)/?")  # nothing that could be another host, or end a header
NO_SOCKET = Path("/dev/null") / SOCKET  # nobody can make one there


def check_rules(rules: str) -> str:
    """Returns the rate limits unchanged. Raises ValueError if they cannot be parsed."""
    try:
        parse_many(rules)
    except ValueError as error:
        raise ValueError(f"{rules!r} is no rate limit: write it like 100/second;2000/minute") from error
    return rules


def check_key(key: str) -> str:
    """Returns the key unchanged. Raises ValueError if it can be guessed or does not fit into a header."""
    is_weak = not MIN_KEY_LENGTH <= len(key) <= MAX_KEY_LENGTH or len(set(key)) < MIN_KEY_CHARACTERS
    if is_weak or not key.isascii() or not key.isprintable() or " " in key:
        raise ValueError(
            f"a key must be {MIN_KEY_LENGTH} to {MAX_KEY_LENGTH} printable ASCII characters without spaces, drawn at "
            "random: `openssl rand -hex 32` makes one"
        )
    return key


def check_password(url: str) -> None:
    """Raises ValueError if the URL has no strong password."""
    try:
        password = urlsplit(url).password or ""
    except ValueError:
        raise ValueError("it holds no URL that can be read") from None
    if len(password) < MIN_PASSWORD_LENGTH:
        raise ValueError(
            f"its URL has {'a weak password' if password else 'no password'}; give one of {MIN_PASSWORD_LENGTH} "
            "characters or more, such as `openssl rand -hex 24` makes"
        )


def check_path(path: Path) -> Path:
    """Returns the path unchanged. Raises ValueError if a log line or a child process could not show it as it is."""
    if not str(path).isprintable():
        raise ValueError(f"the path {str(path)!r} has a character that cannot be printed; give another folder")
    return path


def check_root_path(path: str) -> str:
    """Returns the path without a slash at its end. Raises ValueError if it is not like /numeral."""
    if not (found := ROOT_PATH.fullmatch(path)):
        raise ValueError(f"{path!r} is no path; write it like /numeral")
    return found[1]


RateLimit = Annotated[str, AfterValidator(check_rules)]
AdminKey = Annotated[str, AfterValidator(check_key)]
DataPath = Annotated[Path, AfterValidator(check_path)]
RootPath = Annotated[str, AfterValidator(check_root_path)]
Origins = Annotated[str, Field(pattern=r"^$|^https?://[^\s/,*]+(,https?://[^\s/,*]+)*$")]
SECRETS: dict[str, Callable[[str], object]] = {  # how strong each must be in a file
    "database_url": check_password, "redis_url": check_password, "admin_key": check_key,
}  # fmt: skip


class Settings(BaseSettings):
    """What a deployment can change. `numeral up` needs no setting."""

    model_config = SettingsConfigDict(
        env_prefix="NUMERAL_", env_file=".env", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    host: str = Field("127.0.0.1", description="the address that the API listens on")
    published_host: str | None = Field(
        None, description="the address at which clients reach the API, if another: a container's published one"
    )
    port: int = Field(8000, ge=1, le=65535, description="the port that the API listens on")
    root_path: RootPath = Field(
        "", description="the path under which a proxy serves the API, such as /numeral; the proxy removes it"
    )
    data_dir: DataPath = Field(Path("data"), description="the folder of database, artifacts, sockets and data sets")
    database_url: str | None = Field(None, description="PostgreSQL or SQLite; default: SQLite in the data folder")
    redis_url: str | None = Field(None, description="Redis or Valkey; default: the embedded Valkey")
    storage_url: str | None = Field(
        None,
        description="where artifacts are kept: a folder or s3://BUCKET/PREFIX; default: a folder in the data folder",
    )
    mnist_dir: Path | None = Field(
        None, description="a folder that holds MNIST/raw, and is only read; default: MNIST is downloaded once"
    )
    api_processes: int = Field(1, ge=1, le=64, description="how many processes serve HTTP")
    serving_device: Literal["cpu", "cuda"] = Field("cpu", description="where predictions are computed")
    training_workers: int = Field(1, ge=1, le=64, description="how many trainings run at once")
    training_threads: int | None = Field(
        None, ge=1, le=256, description="threads of a training; default: the cores, shared among the training workers"
    )
    gpu_wait_seconds: float = Field(
        120.0,
        ge=0,
        le=86_400,
        description="how many seconds a training for any device waits for a GPU before a CPU may run it",
    )
    lease_seconds: float = Field(30.0, ge=1, description="after how many seconds a silent worker loses its job")
    stall_seconds: float = Field(
        600.0, ge=60, description="after how many seconds without a step a job is taken from its worker"
    )
    max_queued: int = Field(10_000, ge=1, description="how many jobs of one kind may wait")
    max_curve_bytes: int = Field(
        10 * 10**9, ge=0, description="how many bytes the curve files of all sweeps may take in the artifact store"
    )
    max_training_bytes: int = Field(
        10 * 10**9, ge=0, description="how many bytes all checkpoints and models may take in the artifact store"
    )
    max_upload_bytes: int = Field(
        256 * 2**20, ge=1024, description="the largest upload of a data set, in bytes; it goes to disk"
    )
    max_dataset_bytes: int = Field(
        2 * 10**9, ge=0, description="how many bytes all uploaded data sets may take in the artifact store"
    )
    keep_predictions: int = Field(
        0, ge=0, le=100_000, description="how many pictures of predictions are kept for feedback; 0: none"
    )
    keep_predictions_hours: int = Field(24, ge=1, le=8760, description="how many hours such a picture is kept")
    curves_days: int = Field(
        30, ge=0, description="how many days after its end the curve files of a sweep are deleted; 0: never"
    )
    drain_seconds: float = Field(
        1.0, ge=0, le=600, description="how many seconds a stopping API still accepts connections"
    )
    max_body_bytes: int = Field(
        32 * 2**20, ge=1024, description="the largest body with pictures or tensors that is read, in bytes"
    )
    max_unfinished_body_bytes: int = Field(
        256 * 2**20, ge=2**20, description="how many bytes all bodies that are being received may take, in each process"
    )
    max_connections: int = Field(4096, ge=16, le=60_000, description="how many connections each process holds")
    decode_seconds: float = Field(
        10.0, ge=0.1, le=600, description="how many seconds the decoding of a large picture may take"
    )
    insecure: bool = Field(False, description="serve other machines without keys")
    admin_key: AdminKey | None = Field(
        None, repr=False, description="one more key, with all scopes; better in a file: NUMERAL_ADMIN_KEY_FILE"
    )
    rate_limit_per_key: RateLimit | None = Field(
        None, description="how many requests a key may send, such as 100/second;2000/minute; default: no limit"
    )
    rate_limit_per_address: RateLimit | None = Field(
        None, description="the same of an address, with a key and without counted apart; default: no limit"
    )
    cors_origins: Origins = Field("", description="origins whose pages may send requests, with commas between them")
    metrics_open: bool = Field(False, description="GET /metrics without a key")
    log_format: Literal["console", "json"] = Field("console", description="the format of log lines")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - a folder of secrets, which is not used
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """By precedence: options, variables, the files that variables name, `.env`.

        Raises ConfigurationError for a variable that is a misspelt setting.
        """
        require_known_names(settings_cls)
        files = InitSettingsSource(settings_cls, read_setting_files(setting_files(settings_cls)))
        return init_settings, env_settings, files, dotenv_settings

    @property
    def reached_host(self) -> str:
        """The address at which clients reach the service. It decides whether keys are needed."""
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
        """The address of the API for a client on this machine."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def embedded_socket(self) -> Path:
        """The socket of the embedded Valkey: in the data folder, or where app/processes/embedded.py has put it because
        the data folder's path is too long for a socket or has characters that a URL cannot carry."""
        folder = self.data_dir.resolve()
        if is_socket_path(folder / SOCKET):
            return folder / SOCKET
        link = folder / SOCKET_LINK
        return link.readlink() / SOCKET if link.is_symlink() else NO_SOCKET

    @property
    def resolved_storage_url(self) -> str:
        return self.storage_url or str(self.data_dir.resolve() / "artifacts")

    @property
    def metrics_dir(self) -> Path:
        """The folder in which the API processes behind one port share their counters."""
        return self.data_dir.resolve() / "metrics" / str(self.port)

    def as_environment(self) -> dict[str, str]:
        """These settings as variables for a child process. A secret from a file, `.env` included, stays in its file:
        other processes can read a variable in /proc/PID/environ."""
        files = {name: path for name, path in setting_files(type(self)).items() if name in SECRETS}
        found = type(self)()  # as the child finds them by itself
        known = {name for name in SECRETS if getattr(found, name) == getattr(self, name)}
        values = self.model_dump(mode="json", exclude_none=True, exclude=set(files) | known)
        values |= {f"{name}_file": path for name, path in files.items()}
        return {f"NUMERAL_{name.upper()}": str(value) for name, value in values.items()}


def is_socket_path(path: Path) -> bool:
    """Whether a socket at this path can be opened and named in a URL."""
    return len(bytes(path)) <= MAX_SOCKET_PATH_BYTES and SOCKET_PATH.fullmatch(str(path)) is not None


def require_known_names(settings_cls: type[BaseSettings]) -> None:
    """Raise ConfigurationError if a variable's name is nearly that of a setting."""
    known = OTHER_VARIABLES | {name + end for name in settings_cls.model_fields for end in ("", "_file")}
    for variable in _variables(settings_cls):
        name = variable.removeprefix("numeral_")
        if name == variable or name in known:
            continue
        if near := nearest(name, known):
            raise ConfigurationError(f"There is no setting {variable.upper()}. Did you mean NUMERAL_{near.upper()}?")


def _variables(settings_cls: type[BaseSettings]) -> dict[str, str | None]:
    """All variables, of the environment and of `.env`, with their names in lower case."""
    return {**DotEnvSettingsSource(settings_cls).env_vars, **EnvSettingsSource(settings_cls).env_vars}


def setting_files(settings_cls: type[BaseSettings]) -> dict[str, Path]:
    """The files that NUMERAL_*_FILE variables name, by setting."""
    variables = _variables(settings_cls)
    named = {name: variables.get(f"numeral_{name}_file") for name in settings_cls.model_fields}
    return {name: Path(path) for name, path in named.items() if path}


def read_setting_files(files: dict[str, Path]) -> dict[str, Any]:
    """The content of each file, by setting. Raises ConfigurationError for one that is unreadable, empty or weak."""
    return {name: _read(name, path) for name, path in files.items()}


def _read(setting: str, path: Path) -> str:
    named = f"NUMERAL_{setting.upper()}_FILE names {path}"
    try:
        value = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise ConfigurationError(f"{named}, which cannot be read: {reason}.") from error
    if not value:
        raise ConfigurationError(f"{named}, which is empty; write the setting into it.")
    if setting in SECRETS:
        try:
            SECRETS[setting](value)
        except ValueError as error:
            raise ConfigurationError(f"{named}: {error}.") from None
    return value
