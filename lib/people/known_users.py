"""Users that this process has lately seen in storage: a call that names its acting user seldom costs a read."""

from __future__ import annotations

from cachetools import TTLCache

from lib.clock import Clock
from lib.people.store import People

_MOST = 10_000
"""Users that are remembered."""

_SECONDS = 60.0
"""Time for which a user counts as there. One that is not there is looked for each time, so that a new one can act at
once."""


class KnownUsers:
    """Ids of users, with a memory."""

    def __init__(self, people: People, clock: Clock) -> None:
        self._people = people
        self._seen: TTLCache[tuple[str, str], bool] = TTLCache(_MOST, _SECONDS, timer=lambda: clock.now().timestamp())

    async def is_known(self, organization: str, user: str) -> bool:
        """Tell whether the organization has the user. Raises StorageError."""
        if (organization, user) not in self._seen and await self._people.user(organization, user):
            self._seen[organization, user] = True
        return (organization, user) in self._seen

    def forget_user(self, organization: str, user: str) -> None:
        """Forget a user who was deleted: from now on this process refuses calls that act as that user."""
        self._seen.pop((organization, user), None)
