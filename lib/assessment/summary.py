"""Summary of a message: derived from its facts, stored beside it in the row `s`, and computed again at will.

The message store hands the row over unread; `summary_of` reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from lib.assessment.compaction import FoldedFacts
from lib.fields import Moment
from lib.messages.store import Loaded
from lib.verdicts.forwards import OtherReader
from lib.verdicts.kpis import Kpis


class Summary(BaseModel):
    """Findings of an assessment, and beside them the parts of the followers (`lib.assessment.followers`)."""

    model_config = ConfigDict(extra="allow")

    kpis: Kpis = Kpis()
    again_at: Moment | None = None
    """When the assessor looks at the message again by itself."""

    late_look_at: Moment | None = None
    """Time of the last look that was asked for because other mails may tell more of the hits."""

    folded: FoldedFacts | None = None
    """Facts that are no longer looked at one by one."""

    base: FoldedFacts | None = None
    """Facts that are retired: they cannot be judged again."""

    oldest: int | None = None
    """Time of the oldest fact that is not retired, in milliseconds since 1970; None where there is none."""

    oldest_retired: int | None = None
    """Time of the oldest retired fact that is not deleted, in milliseconds since 1970; None where there is none."""

    bare_until: int | None = None
    """Time up to which retired facts have lost what they were judged by, in milliseconds since 1970."""

    live: int = 0
    """Number of facts that are looked at one by one."""

    other_readers: list[OtherReader] = []
    attachment_views: dict[int, int] = {}
    """Views by people, by the attachment's number."""

    elsewhere: dict[str, int] = {}
    """Final answers of `Sightings.elsewhere`, by fact key."""

    @property
    def parts(self) -> Mapping[str, Any]:
        """Followers' parts by name, as JSON values."""
        return self.model_extra or {}


def summary_of(loaded: Loaded) -> Summary:
    """The summary of a loaded message; an empty one before its first assessment."""
    return loaded.summary_as(Summary)
