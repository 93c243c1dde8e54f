"""Follower of assessments: has delivery states agree with the answers among a message's facts.

A taken-in mail changes them at once (`lib.inbound.consequences`), unless the outbox has the message just then. A reply
can even come before it is known that the message was sent. So they are looked at again whenever the message is
assessed, and it is when the outbox has ended.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import TypeAdapter

from lib.inbound.answers import evidence_of_facts
from lib.messages.evidence import DeliveryEvidence, with_evidence
from lib.messages.models import StoredMessage
from lib.storage import Queues
from lib.storage.layout import INTERACTIONS
from lib.tracking.queue_messages import refresh_body
from lib.verdicts.assessed import AssessedMessage, Plan


class DeliveriesFollower:
    """Part of the summary: whether an answer says something else than the deliveries."""

    part_name = "deliveries"
    part_type = TypeAdapter(bool)

    def __init__(self, evidence: DeliveryEvidence, queues: Queues) -> None:
        self._evidence = evidence
        self._queues = queues

    async def plan(self, assessed: AssessedMessage, before: bool | None) -> Plan[bool]:  # noqa: ARG002
        """Compare the deliveries with the answers; writes nothing."""
        message, copies = assessed.message, assessed.copies
        return Plan(with_evidence(message, copies, evidence_of_facts(message, assessed.facts)) != list(copies))

    async def apply(self, assessed: AssessedMessage, part: bool) -> None:
        """Change the deliveries; lists and cards learn of it from the look that is asked for before."""
        organization, message = assessed.organization, assessed.message

        async def ask_look() -> None:
            await self._queues.send(INTERACTIONS, refresh_body(organization, message.id))

        if part:
            evidence = evidence_of_facts(message, assessed.facts)
            await self._evidence.note_evidence(organization, message.id, evidence, ask_look)

    async def forget(
        self, organization: str, message: str, part: bool | None, planned_before: Sequence[StoredMessage] = ()
    ) -> None:
        """Leave everything: the deliveries go with the message."""
