"""Tables of kinds that are newer than some organizations: their first write makes them."""

from __future__ import annotations

from collections.abc import Sequence

from lib.storage import layout
from lib.storage.protocols import Change, Conflict, Missing, Tables, Unavailable


async def write_late_rows(tables: Tables, organization: str, kind: str, changes: Sequence[Change]) -> list[str | None]:
    """Make all changes or none, as `Tables.write_rows` does, and the table before them where it is missing.

    Raises Missing where there is no organization or no such row, Conflict, Unavailable.
    """
    name = layout.table(organization, kind)
    try:
        return await tables.write_rows(name, changes)
    except Missing:
        await ensure_table(tables, organization, kind)
        return await tables.write_rows(name, changes)


async def ensure_table(tables: Tables, organization: str, kind: str) -> None:
    """Make the organization's table of this kind, unless it exists.

    A deleted organization gets none: its row is looked for again once the table is there, because the organization may
    be deleted meanwhile. Raises Missing where there is no organization, Unavailable.
    """
    await _check_organization(tables, organization)
    name = layout.table(organization, kind)
    try:
        await tables.create(name)
    except Conflict as conflict:
        raise Unavailable("the storage of an organization of that name is still being deleted") from conflict
    try:
        await _check_organization(tables, organization)
    except Missing:
        await tables.drop(name)
        raise


async def _check_organization(tables: Tables, organization: str) -> None:
    """Raises Missing where there is no such organization."""
    if await tables.read_row(layout.ORGANIZATIONS, organization, layout.ORGANIZATION_ROW) is None:
        raise Missing(f"no organization {organization}")
