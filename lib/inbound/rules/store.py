"""Rules in storage: rows of the table `people`, partition `rule`, key = the rule's id."""

from __future__ import annotations

from collections.abc import AsyncIterator

from lib.errors import NotAllowed
from lib.inbound.rules.models import CreationRule, RuleSpec, StoredRule
from lib.storage import Missing, Range, Tables
from lib.storage.protocols import EVERYTHING
from lib.storage.repository import Repository
from lib.storage.versions import IfMatch, check_version

_RULES = "rule"
MOST_RULES = 200
"""Rules of an organization: each mail is held against all of them."""


class RuleStore:
    """Rules of every organization."""

    def __init__(self, tables: Tables) -> None:
        self._rows = Repository(tables, "people", StoredRule)

    async def load_rule(self, organization: str, rule: str) -> CreationRule | None:
        """Load a rule; None if there is none."""
        found = await self._rows.load(organization, _RULES, rule)
        return CreationRule(**_fields(found[0]), etag=found[1]) if found else None

    async def save_rule(
        self, organization: str, rule: str, spec: RuleSpec, if_match: IfMatch | None
    ) -> tuple[CreationRule, bool]:
        """Put a rule; return it, and whether it is new. Raises NotAllowed, Stale, Conflict, StorageError."""
        others = [each.id async for each in self.list_rules(organization) if each.id != rule]
        if len(others) >= MOST_RULES:
            raise NotAllowed(f"An organization has at most {MOST_RULES} rules.")
        stored = StoredRule(id=rule, when=spec.when, create=spec.create)
        etag, is_new = await self._rows.save(organization, _RULES, rule, stored, if_match)
        return CreationRule(**_fields(stored), etag=etag), is_new

    async def remove_rule(self, organization: str, rule: str, if_match: IfMatch | None) -> None:
        """Remove a rule. What it has made stays. Raises Missing, Stale, StorageError."""
        found = await self._rows.load(organization, _RULES, rule)
        if found is None:
            raise Missing(f"there is no rule {rule}")
        check_version(if_match, found[1])
        await self._rows.remove(organization, _RULES, rule, found[1])

    async def list_rules(
        self, organization: str, after: str | None = None, limit: int | None = None
    ) -> AsyncIterator[CreationRule]:
        """List rules by id."""
        keys = Range(after=after) if after else EVERYTHING
        async for _, rule, etag in self._rows.list(organization, _RULES, keys, limit):
            yield CreationRule(**_fields(rule), etag=etag)


def _fields(rule: StoredRule) -> dict[str, object]:
    return {"id": rule.id, "when": rule.when, "create": rule.create}
