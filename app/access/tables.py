"""The table of API keys."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class ApiKey(Base):
    """A key as the service remembers it: what it may do, and the sha256 of its secret. The secret itself is nowhere."""

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(primary_key=True)  # public: the part of the key before its secret
    name: Mapped[str]  # whose it is, for people
    sha256: Mapped[str]
    scopes: Mapped[str]  # words with a blank between
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
