"""Bring what became of mails into Dataverse's `email` table: opens, clicks and views of attachments.

A mail names its row by its metadata, `{"dataverse_email": "<activityid>"}`. Each run reads what is new in Heed's feed,
writes the counts of the messages that it names, and ends; let a scheduler start it every few minutes. Counts are
written as they are now, so that a run that breaks off is put right by the next one.

    HEED_URL=https://heed.example.com HEED_KEY=… HEED_ORGANIZATION=acme \\
    DATAVERSE_URL=https://acme.crm4.dynamics.com CURSOR_FILE=/var/lib/heed/cursor python dataverse_sync.py

It signs in to Dataverse by `azure-identity` (pip install azure-identity), as an application user that may write emails.
The key of Heed needs the scope `read`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from heed_client import Heed, HeedError, Retries
from heed_client.generated.api.messages import get_message, list_messages
from heed_client.generated.models import Kpis, ListMessagesView
from heed_client.repeating import RepeatingTransport

METADATA = "dataverse_email"
"""The name in a message's metadata whose value is the `activityid` of the row in `email`."""

_MOST = 2**31 - 1
"""The largest count that Dataverse takes."""

_LOST_PLACE = frozenset({"gone", "unknown_cursor"})
"""Codes by which the feed refuses a cursor: of more than 30 days ago, or sealed with a retired token key."""

log = logging.getLogger("heed.dataverse")


def columns(kpis: Kpis) -> dict[str, Any]:
    """Return the columns of `email`, by their logical names. What people did counts, and scanners do not."""
    return {
        "opencount": min(kpis.opens, _MOST),
        "linksclickedcount": min(kpis.clicks, _MOST),
        "attachmentopencount": min(kpis.attachment_views, _MOST),
        "lastopenedtime": f"{kpis.last_opened_at:%Y-%m-%dT%H:%M:%SZ}" if kpis.last_opened_at else None,
    }


class Dataverse:
    """The table `email` by Dataverse's Web API. `token` is asked for each request."""

    def __init__(self, url: str, token: Callable[[], str], retries: Retries) -> None:
        self._token = token
        self._http = httpx.Client(
            base_url=f"{url.rstrip('/')}/api/data/v9.2/",
            headers={"Accept": "application/json", "OData-Version": "4.0", "OData-MaxVersion": "4.0"},
            transport=RepeatingTransport(httpx.HTTPTransport(), retries),
            timeout=60,
        )

    def update_email(self, activity: UUID, values: Mapping[str, Any]) -> bool:
        """Write what differs; say whether the row is there. Raises httpx.HTTPError.

        Columns that stay as they are are left out, because writing them would start flows and plug-ins.
        """
        path, authorization = f"emails({activity})", {"Authorization": f"Bearer {self._token()}"}
        answer = self._http.get(path, params={"$select": ",".join(values)}, headers=authorization)
        if answer.status_code == 404:
            return False
        before = answer.raise_for_status().json()
        changed = {name: value for name, value in values.items() if not _is_same(before.get(name), value)}
        if changed:
            # If-Match: * changes a row that is there and makes none.
            written = self._http.patch(path, json=changed, headers={**authorization, "If-Match": "*"})
            if written.status_code == 404:
                return False
            written.raise_for_status()
        return True


def sync(heed: Heed, dataverse: Dataverse, cursor_file: Path) -> None:
    """Bring everything that has changed since the last run. Raises HeedError and httpx.HTTPError: run it again."""
    cursor = cursor_file.read_text() if cursor_file.exists() else None
    try:
        _sync_feed(heed, dataverse, cursor_file, cursor)
    except HeedError as error:
        if error.code not in _LOST_PLACE:
            raise
        # Read every message anew.
        for message in heed.items(list_messages, view=ListMessagesView.ALL):
            _write_counts(dataverse, message.id, message.metadata.additional_properties, message.kpis)
        _sync_feed(heed, dataverse, cursor_file, None)


def _sync_feed(heed: Heed, dataverse: Dataverse, cursor_file: Path, cursor: str | None) -> None:
    for page in heed.changes(cursor):
        _sync_messages(heed, dataverse, {event.message for event in page.items if event.message})
        _save_cursor(cursor_file, page.next_)


def _sync_messages(heed: Heed, dataverse: Dataverse, ids: Iterable[str]) -> None:
    for each in sorted(ids):
        try:
            message = heed.call(get_message, each)
        except HeedError as error:
            if error.status != 404:
                raise
            continue  # deleted since
        _write_counts(dataverse, message.id, message.metadata.additional_properties, message.kpis)


def _write_counts(dataverse: Dataverse, message: str, metadata: Mapping[str, str], kpis: Kpis) -> None:
    named = metadata.get(METADATA)
    if named is None:
        return
    try:
        activity = UUID(named)
    except ValueError:
        log.warning("message %s: its metadata %s is no id of Dataverse", message, METADATA)
        return
    if not dataverse.update_email(activity, columns(kpis)):
        log.warning("message %s: Dataverse has no email %s", message, activity)


def _is_same(before: Any, value: Any) -> bool:
    """Compare values as JSON has them; times may be written with fractions of a second or without."""
    if isinstance(before, str) and isinstance(value, str):
        return datetime.fromisoformat(before) == datetime.fromisoformat(value)
    return bool(before == value)


def _save_cursor(path: Path, cursor: str) -> None:
    """Replace the file at once, so that no run finds half a cursor."""
    new = path.with_suffix(".new")
    new.write_text(cursor)
    new.replace(path)


def main() -> None:
    """Run once, by the settings in the environment."""
    from azure.identity import DefaultAzureCredential

    logging.basicConfig(level=logging.INFO)
    address, credential = os.environ["DATAVERSE_URL"], DefaultAzureCredential()

    def token() -> str:
        return credential.get_token(f"{address.rstrip('/')}/.default").token

    with Heed(os.environ["HEED_URL"], os.environ["HEED_KEY"], os.environ["HEED_ORGANIZATION"]) as heed:
        # Dataverse names pauses of up to some minutes.
        dataverse = Dataverse(address, token, Retries(longest_pause=300))
        sync(heed, dataverse, Path(os.environ["CURSOR_FILE"]))


if __name__ == "__main__":
    main()
