"""Runs of commands that work on one organization for hours: one at a time.

The organization's row of the registry names the run that works on it. A run that begins, or goes on where another has
ended, enters its own name: nothing tells one that was killed from one that still works. The other one looks at the row
before each of its writes, and stops.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from lib.errors import Refusal
from lib.ids import new_id
from lib.organizations.registry import Organizations, StoredOrganization

LONGEST_WRITE = 90.0
"""Seconds that a write may take with all its tries, once it was begun."""


class AnotherRun(Refusal):
    """Another run has taken over, or has given the work up; this one has stopped."""

    kind = "not_allowed"


@dataclass(frozen=True, slots=True)
class Run:
    """A run that works on an organization."""

    organizations: Organizations
    organization: str
    id: str = field(default_factory=new_id)

    async def check_own(self) -> None:
        """Raises AnotherRun where the organization is another run's, or no run's, by now; StorageError."""
        found = await self.organizations.load_organization(self.organization)
        self._check(found[0] if found else None)

    async def update_row(self, update: Callable[[StoredOrganization], StoredOrganization]) -> StoredOrganization:
        """Change the organization's row while it is this run's.

        Raises AnotherRun, what `update` raises, Missing, Stale, StorageError.
        """

        def update_own(stored: StoredOrganization) -> StoredOrganization:
            self._check(stored)
            return update(stored)

        return await self.organizations.update_row(self.organization, update_own)

    def _check(self, stored: StoredOrganization | None) -> None:
        if stored is None or stored.run != self.id:
            text = f"Another command has taken over the work on {self.organization}, or has ended it"
            raise AnotherRun(f"{text}: this one has stopped.")
