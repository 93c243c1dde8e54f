"""People who had a mail made of a template before: rows of the table `templates`, partition `contacts`.

The key is `a|<short hash of the address>|`, and the row names the first message. Erasure of the address deletes it.
What a message was told stays with the message, so that no answer changes later.
"""

from __future__ import annotations

from lib.messages.models import StoredMessage
from lib.people.address_hashes import AddressHashes, short_hash
from lib.storage import Conflict, Insert, Missing, Row, Tables
from lib.storage.layout import table
from lib.templates.people import person_place
from lib.templates.tallies import Contact

PARTITION = "contacts"


class Contacts:
    """Tells new contacts from known ones."""

    def __init__(self, tables: Tables, hashes: AddressHashes) -> None:
        self._tables = tables
        self._hashes = hashes

    async def find_contact(
        self, organization: str, message: StoredMessage, *, names_recipients: bool
    ) -> tuple[Contact, int]:
        """Return whether the first recipient is a new contact, and the place of this person in sketches.

        Where recipients are not to be named, a message stands for a person of its own. Raises StorageError.
        """
        address_hash = await self._first_hash(organization, message) if names_recipients else None
        if address_hash is None:
            return "", person_place(message.id)
        row = await self._tables.read_row(table(organization, "templates"), PARTITION, _key(address_hash))
        is_known = message.in_reply_to is not None or (row is not None and row.text("message") != message.id)
        return ("known" if is_known else "new"), person_place(address_hash)

    async def note_contact(self, organization: str, message: StoredMessage) -> None:
        """Note that the first recipient had a mail. Again is the same. Raises StorageError."""
        address_hash = await self._first_hash(organization, message)
        if address_hash is None:
            return
        row = Row(PARTITION, _key(address_hash), {"v": 1, "message": message.id})
        try:
            await self._tables.write_rows(table(organization, "templates"), [Insert(row)])
        except (Conflict, Missing):
            return  # the contact is known, or the organization is gone

    async def _first_hash(self, organization: str, message: StoredMessage) -> str | None:
        recipients = message.recipients()
        return await self._hashes.hash_address(organization, recipients[0].email) if recipients else None


def _key(address_hash: str) -> str:
    return f"a|{short_hash(address_hash)}|"
