"""What is asked of keys before the service starts."""

import ipaddress

from app.access import keys as service
from app.config import Settings
from app.db import Sessions, require_schema
from app.errors import ConfigurationError, DatabaseUnavailable

LEAST_KEY, LONGEST_KEY = 32, 256  # characters
LEAST_LETTERS = 10  # different ones


def require_keys(settings: Settings) -> None:
    """Raise ConfigurationError where other machines can reach the service and there is no key, and SchemaOutdated.

    A database that is away stops nobody from starting: until it is back, nobody is let in.
    """
    read_admin_key(settings)
    require_schema(settings.resolved_database_url)
    sessions = Sessions(settings.resolved_database_url)
    try:
        is_guarded = settings.admin_key_file is not None or service.are_there(sessions)
    except DatabaseUnavailable:
        return
    finally:
        sessions.close()
    if settings.insecure or is_guarded or is_loopback(settings.reached_host):
        return
    raise ConfigurationError(
        f"The service would listen on {settings.reached_host} without API keys, open to everybody who can reach it: "
        "make one with `numeral keys create`, name a file with one in NUMERAL_ADMIN_KEY_FILE, or give --insecure."
    )


def read_admin_key(settings: Settings) -> str | None:
    """The key in the file that the settings name, if they do. Raises ConfigurationError for one that can be guessed."""
    if settings.admin_key_file is None:
        return None
    try:
        key = settings.admin_key_file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigurationError(
            f"NUMERAL_ADMIN_KEY_FILE {settings.admin_key_file} cannot be read: {reason}."
        ) from error
    is_weak = not LEAST_KEY <= len(key) <= LONGEST_KEY or len(set(key)) < LEAST_LETTERS
    if is_weak or not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigurationError(
            f"The key in NUMERAL_ADMIN_KEY_FILE {settings.admin_key_file} must be {LEAST_KEY} to {LONGEST_KEY} "
            "printable ASCII characters without blanks, drawn at random: `openssl rand -hex 32` makes one."
        )
    return key


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches this address or name."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
