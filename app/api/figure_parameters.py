"""The query parameters of figures."""

from typing import Annotated

from fastapi import Query

from models.figures.figure import Scale, ThemeName

Theme = Annotated[ThemeName, Query(description="the colours: for a light or a dark page")]
LossScale = Annotated[
    Scale | None,
    Query(
        description="of the losses; left out: both for the curves of a sweep, log for compared trainings, else linear"
    ),
]
