"""Mail that comes back, as the assessor gets it."""

from __future__ import annotations

from lib.ids import new_id
from lib.tracking.answer_details import NO_DETAILS, AnswerDetails
from lib.tracking.facts import AnswerKind, Fact, answer_fact
from tests.support.heed import Heed


async def answered(
    heed: Heed,
    message: str,
    kind: AnswerKind = "reply",
    recipient: int | None = 0,
    details: AnswerDetails = NO_DETAILS,
) -> Fact:
    """Let a mail come back that answers the message, or says that it was not delivered; its fact."""
    fact = answer_fact(kind, message, heed.clock.now(), new_id(), recipient, details.to_headers())
    await heed.services.assessor.assess_facts("acme", [fact])
    await heed.work("interactions")
    return fact
