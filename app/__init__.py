"""The service: HTTP API, jobs, model registry and serving. Nothing here imports torch."""

from importlib.metadata import version

VERSION = version("numeral-service")
