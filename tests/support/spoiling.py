"""Rows that cannot be read, as an earlier release or a hand may leave them."""

from __future__ import annotations

from lib.storage import Row, Upsert
from lib.storage.layout import ORGANIZATION_ROW, ORGANIZATIONS
from tests.support.heed import Heed


async def spoil_organization(heed: Heed, organization: str = "acme") -> None:
    """Put a row of no form in place of the organization's row of the registry."""
    broken = Row(organization, ORGANIZATION_ROW, {"v": 1, "d0": '{"id": 1, "settings": []}'})
    await heed.storage.tables.write_rows(ORGANIZATIONS, [Upsert(broken)])
