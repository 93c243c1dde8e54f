"""The operator's work: organizations, backups, moves, checks."""

from __future__ import annotations

from functools import cached_property

from lib.operations.administration import Administration
from lib.operations.token_keys import Resealing
from lib.services.privacy import Privacy


class Operating(Privacy):
    """Parts that the administrator's requests and the commands need."""

    @cached_property
    def administration(self) -> Administration:
        return Administration(self.organizations, self.sign_in, self.stops, self.wishes, self.mailboxes)

    @cached_property
    def resealing(self) -> Resealing:
        """The rotation of token keys, as far as it concerns storage."""
        return Resealing(self.organizations, self.webhooks, self.alert_choices)
