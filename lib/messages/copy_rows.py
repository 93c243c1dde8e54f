"""Copies of a message as they are stored, each with its outcome for its recipients."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from lib.fields import Moment
from lib.messages.follow_state import FollowState

DeliveryState = Literal["waiting", "pending", "accepted", "refused", "bounced", "uncertain"]
"""`waiting`: not tried yet. `pending`: refused for now, and to be tried again. `accepted`: the provider has it."""


class Delivery(BaseModel):
    """The outcome of a mail for one recipient."""

    state: DeliveryState
    code: str | None = None
    """The provider's code."""
    text: str | None = None
    """The provider's words."""
    at: Moment | None = None
    """The time since when this is so."""


CopyState = Literal["planned", "submitting", "sent", "refused", "uncertain"]
"""`planned`: it is to be sent to those who have not got it, at `due_at` if that is set. `submitting`: it may be on its
way, or is to be asked for. `uncertain`: the outcome is unknown; with `due_at` it is asked for once more then.
`refused`: it was taken for no recipient. None where a CRM sends by itself."""


class Copy(BaseModel):
    """A row `c…`: one MIME message as it goes out, and its outcome."""

    recipients: list[int]
    """The numbers of its recipients."""
    follow_state: FollowState
    links: list[str] | str = []
    """The destinations of its links by index, or the name of the blob that holds them."""
    links_of: int | None = None
    """The number of the copy whose row holds the same links; None where they stand in this row."""
    link_count: int = 0
    """The number of links without those of the honeypots, whose indexes follow."""
    honeypots: list[int] = []
    """The indexes of links that no person sees."""

    state: CopyState | None = None
    deliveries: dict[int, Delivery] = {}
    """Outcomes by recipient number; a recipient without an entry is waiting."""
    key: str | None = None
    """The name by which the provider knows the tries of this copy."""
    tried_at: Moment | None = None
    """The beginning of the last try."""
    first_tried_at: Moment | None = None
    """The time when trying began."""
    due_at: Moment | None = None
    """The time of the next try, or of the next question to the provider."""
    attempts: int = 0
    in_doubt: bool = False
    """Whether the last try may have come through and is to be repeated."""
    asked: list[int] = []
    """The numbers of the recipients of a doubtful try."""
    ids: list[str] = []
    """The provider's own names for the copy."""
    returned: list[str] = []
    """The ids of received mails by which recipients bounced: each is heeded once."""

    def delivery_of(self, recipient: int) -> Delivery:
        return self.deliveries.get(recipient, _WAITING)

    def handed_over_at(self, recipient: int) -> datetime | None:
        """Return the beginning of the try whose mail this recipient got.

        A recipient who was accepted before the last try began got an earlier one.
        """
        delivery = self.delivery_of(recipient)
        if delivery.state == "accepted" and delivery.at:
            return min(delivery.at, self.tried_at or delivery.at)
        return self.tried_at


_WAITING = Delivery(state="waiting")
