"""What endpoints are handed: the services that `create_app` built."""

from typing import Annotated

from fastapi import Depends, Request

from app.api.headers import find_media_type
from app.api.json_limits import wrong_media_type
from app.services import Services


def get_services(request: Request) -> Services:
    services: Services = request.scope["app"].state.services
    return services


def require_json(request: Request) -> None:
    """Raise UnsupportedMediaType unless the body says that it is JSON."""
    media_type = find_media_type(request.scope)
    if media_type != "application/json":
        raise wrong_media_type(media_type)


ServicesDependency = Annotated[Services, Depends(get_services)]
