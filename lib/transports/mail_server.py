"""The address of a mail server and the login for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class MailServer:
    """One mail server that takes mail over SMTP."""

    host: str
    port: int
    ehlo: str
    """The name by which Heed introduces itself."""
    security: Literal["auto", "starttls", "tls", "none"] = "auto"
    """`auto`: STARTTLS where the server offers it."""
    user: str | None = None
    """The name to log in with; None where there is no login."""
    password: str | None = field(default=None, repr=False)
    timeout: float = 30.0
    """Seconds to wait for each of the server's answers."""
