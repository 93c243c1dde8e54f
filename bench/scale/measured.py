"""What was counted of each step, as `steps.json` keeps it."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel

_KEPT = Path(__file__).with_name("steps.json")


class Step(BaseModel):
    """What one mail, or one hit, asks of storage and of the CPU."""

    tables: float
    """Requests; a transaction counts once."""
    kinds: dict[str, float]
    """Those of them that go to the organization's own tables, by kind."""
    transactions: float
    """Those of them that write several rows at once."""
    queues: float
    blobs: float
    sent: float
    """Bytes."""
    read: float
    """Bytes."""
    kept: float
    """Bytes of rows that stand there afterwards, the keys included."""
    cpu: float
    """Milliseconds of the server's CPU, on the machine that measured."""


class Measured(BaseModel):
    """All steps, as one run counted them."""

    on: str
    """The day, such as 2026-11-29."""
    mail: Step
    """A mail to one recipient with one link: composed, scheduled, handed to SMTP, and what follows."""
    hit_alone: Step
    """An open that no other one accompanies: recorded, judged, told."""
    hit_in_company: Step
    """An open among many at the same moment, some of each mail."""


def read_steps() -> Measured:
    """Read what was counted last."""
    return Measured.model_validate_json(_KEPT.read_text(encoding="utf-8"))


def keep_steps(measured: Measured) -> None:
    """Keep what was counted, for the page that rests on it."""
    _KEPT.write_text(measured.model_dump_json(indent=2) + "\n", encoding="utf-8")
