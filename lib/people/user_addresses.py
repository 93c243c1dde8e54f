"""Users by their addresses, as this process has lately read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cachetools import TTLCache

from lib.clock import Clock
from lib.people.addresses import same_person
from lib.people.store import People

_MOST = 1_000
"""Organizations that are remembered."""

_SECONDS = 60.0


class UserAddresses:
    """The addresses of all users of each organization, at most a minute old."""

    def __init__(self, people: People, clock: Clock) -> None:
        self._people = people
        self._known: TTLCache[str, Mapping[str, str]] = TTLCache(_MOST, _SECONDS, lambda: clock.now().timestamp())

    async def find_user(self, organization: str, emails: Iterable[str]) -> str | None:
        """Find the user whose address comes first; None where none is a user's. Raises StorageError."""
        users = self._known.get(organization)
        if users is None:
            readable = self._people.readable_users(organization)
            users = self._known[organization] = {same_person(user.email): user.id async for user in readable}
        return next((users[person] for each in emails if (person := same_person(each)) in users), None)
