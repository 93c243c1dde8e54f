"""Templates in storage: one partition of the table `templates`.

Keys: `t|<template>` for the row that lists show; `v|<template>|<number>` for the content of a version. A new version
and the row that names it as the newest are written in one transaction.
"""

from __future__ import annotations

from collections.abc import Callable

from lib.clock import Clock
from lib.errors import Stale
from lib.storage import Change, Conflict, Insert, Missing, Range, Row, Tables, put_if_unchanged
from lib.storage.documents import UnreadableRow, pack, unpack
from lib.storage.layout import table
from lib.storage.versions import IfMatch, check_version
from lib.templates.models import StoredTemplate, StoredVersion, TemplateContent, TemplateSpec
from lib.templates.similarity import is_same_content

PARTITION = "template"


class Templates:
    """Templates and their versions in storage."""

    def __init__(self, tables: Tables, clock: Clock) -> None:
        self._tables = tables
        self._clock = clock

    async def load_template(self, organization: str, template: str) -> tuple[StoredTemplate, str] | None:
        """Load a template with its etag; None if there is none or it was deleted."""
        found = await self._row(organization, template)
        return found if found and not found[0].deleted else None

    async def load_version(self, organization: str, template: str, number: int) -> StoredVersion | None:
        """Load a version, also of a deleted template; None if there is none."""
        row = await self._tables.read_row(table(organization, "templates"), PARTITION, _version_key(template, number))
        return unpack(StoredVersion, row) if row else None

    async def load_even_deleted(self, organization: str, template: str) -> StoredTemplate | None:
        """Load a template, also a deleted one; None if there is none."""
        found = await self._row(organization, template)
        return found[0] if found else None

    async def list_templates(
        self, organization: str, unreadable: Callable[[], None] | None = None
    ) -> list[tuple[StoredTemplate, str]]:
        """List (template, etag) of every template that was not deleted, by id.

        One that cannot be read is passed over where `unreadable` is given, which is told; else UnreadableRow.
        """
        found: list[tuple[StoredTemplate, str]] = []
        async for row in self._tables.query(table(organization, "templates"), PARTITION, Range.prefix("t|")):
            try:
                found.append((unpack(StoredTemplate, row), row.etag or ""))
            except UnreadableRow:
                if unreadable is None:
                    raise
                unreadable()
        return [each for each in found if not each[0].deleted]

    async def save_template(
        self, organization: str, template: str, spec: TemplateSpec, if_match: IfMatch | None
    ) -> tuple[StoredTemplate, str, bool]:
        """Save a template, with a new version if its content differs; return (template, etag, whether it was made).

        Raises Stale.
        """
        found = await self._row(organization, template)
        there, etag = found or (None, None)
        is_live = there is not None and not there.deleted
        check_version(if_match, etag if is_live else None)
        now = self._clock.now()
        content = TemplateContent(subject=spec.subject, html=spec.html, text=spec.text)
        digest = content.digest()
        is_new = there is None or there.digest != digest
        stored = StoredTemplate(
            id=template,
            name=spec.name,
            language=spec.language,
            subject=spec.subject,
            version=(there.version if there else 0) + is_new,
            digest=digest,
            series_starts=await self._series_starts(organization, there, content, is_new),
            changed_at=now,
        )
        others: list[Change] = []
        if is_new:
            version = StoredVersion(**dict(content), version=stored.version, made_at=now)
            others = [Insert(Row(PARTITION, _version_key(template, stored.version), pack(version)))]
        return stored, await self._write(organization, stored, etag, others), not is_live

    async def delete_template(self, organization: str, template: str, if_match: IfMatch | None) -> None:
        """Delete a template; versions that messages have used stay. Raises Missing, Stale."""
        found = await self.load_template(organization, template)
        if found is None:
            raise Missing(f"no template {template}")
        stored, etag = found
        check_version(if_match, etag)
        await self._write(organization, stored.model_copy(update={"deleted": True}), etag, [])

    async def find_series(self, organization: str, template: str, version: int | None) -> int:
        """Return the number of the version that began the content of a version, by default of the newest."""
        found = await self.load_even_deleted(organization, template)
        return found.series_of(version) if found else 1

    async def _series_starts(
        self, organization: str, there: StoredTemplate | None, content: TemplateContent, is_new: bool
    ) -> list[int]:
        """Return where series begin, with the new version's number if its content is another one.

        It is compared with the version that began the series, so that many small corrections do not add up unseen.
        """
        if there is None or not is_new:
            return there.series_starts if there else [1]
        first = await self.load_version(organization, there.id, there.series_of(None))
        if first is not None and is_same_content(first, content):
            return there.series_starts
        return [*there.series_starts, there.version + 1]

    async def _row(self, organization: str, template: str) -> tuple[StoredTemplate, str] | None:
        row = await self._tables.read_row(table(organization, "templates"), PARTITION, f"t|{template}")
        return (unpack(StoredTemplate, row), row.etag or "") if row else None

    async def _write(self, organization: str, stored: StoredTemplate, etag: str | None, others: list[Change]) -> str:
        row = Row(PARTITION, f"t|{stored.id}", pack(stored), etag)
        try:
            etags = await self._tables.write_rows(table(organization, "templates"), [put_if_unchanged(row), *others])
        except (Conflict, Missing) as error:
            raise Stale from error
        return etags[0] or ""


def _version_key(template: str, number: int) -> str:
    return f"v|{template}|{number:08d}"
