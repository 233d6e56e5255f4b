"""The tables of the registry."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, false
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class ModelVersion(Base):
    """A trained, exported and evaluated network. Its public name is its number as a string."""

    __tablename__ = "model_versions"
    __table_args__ = {"sqlite_autoincrement": True}  # numbers are never reused

    number: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(unique=True)  # `job:<id>` or `shipped:<sha256 of the weights>`
    card: Mapped[dict[str, Any]]
    files: Mapped[dict[str, Any]]  # name -> {artifact, sha256, size}
    note: Mapped[str | None]  # of a person
    created_at: Mapped[datetime]


class Alias(Base):
    """A name for a version, which can be moved to another version."""

    __tablename__ = "aliases"

    alias: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(ForeignKey("model_versions.number"))
    changed_at: Mapped[datetime]


class AliasChange(Base):
    """When an alias stood for a version, and why. The row without an end is the current one."""

    __tablename__ = "alias_history"
    __table_args__ = (Index("alias_history_by_alias", "alias", "number"), {"sqlite_autoincrement": True})

    number: Mapped[int] = mapped_column(primary_key=True)
    alias: Mapped[str]
    version: Mapped[int]  # may have been deleted since
    since: Mapped[datetime]
    until: Mapped[datetime | None]
    reason: Mapped[str]
    restores: Mapped[int | None]  # the row that a rollback restored
    forced: Mapped[bool] = mapped_column(default=False, server_default=false())  # past the gate, by hand
