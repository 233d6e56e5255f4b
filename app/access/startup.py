"""Whether the service may start without API keys."""

import ipaddress

from app.access import keys as service
from app.config import Settings
from app.db import Sessions, require_schema
from app.errors import ConfigurationError, DatabaseUnavailable


def require_keys(settings: Settings) -> None:
    """Raise ConfigurationError if other machines can reach the service and no key exists. Raises SchemaOutdated too.

    The service starts without its database, and then answers no request that needs a key.
    """
    require_schema(settings.resolved_database_url)
    sessions = Sessions(settings.resolved_database_url)
    try:
        has_key = settings.admin_key is not None or service.were_ever_created(sessions)
    except DatabaseUnavailable:
        return
    finally:
        sessions.close()
    if settings.insecure or has_key or is_loopback(settings.reached_host):
        return
    raise ConfigurationError(
        f"The service would listen on {settings.reached_host} without API keys, open to everybody who can reach it. "
        "Create one with `numeral keys create`, name a file with one in NUMERAL_ADMIN_KEY_FILE, or give --insecure."
    )


def is_loopback(host: str) -> bool:
    """Whether the address or host name can be reached only from this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
