"""The table of API keys."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class ApiKey(Base):
    """An API key: its scopes, and the sha256 of the whole key. The key itself is not stored."""

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(primary_key=True)  # public: the part of the key before the secret
    name: Mapped[str]  # who or what the key is for
    sha256: Mapped[str]
    scopes: Mapped[str]  # separated by spaces
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
