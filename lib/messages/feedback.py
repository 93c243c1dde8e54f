"""Feedback: what users say of events of their mail. Evidence for the judge, never an overwrite of its verdict.

The row `f` of a message's partition holds all feedback on its events. It is read, copied and deleted with the message.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from lib.errors import NotAllowed, Stale
from lib.fields import Moment
from lib.storage import Conflict, Delete, Missing, Row, Tables, put_if_unchanged
from lib.storage.documents import pack, unpack
from lib.storage.layout import table
from lib.storage.retry import retry_on_conflict

FEEDBACK_ROW = "f"
"""Key of the row."""

MOST_WORDS = 500
"""Words on one message: one for each user and event."""

Was = Literal["person", "machine", "me"]


class Word(BaseModel):
    """The last word of one user on one event."""

    was: Was
    at: Moment


class MessageFeedback(BaseModel):
    """The row `f`: words by event id, which is the fact's key, and by user."""

    words: dict[str, dict[str, Word]] = {}

    def opinions(self) -> dict[str, Was]:
        """Return what users say of each event, by its id: what most of them say; among equals, what was said last."""
        return {event: _opinion(words) for event, words in self.words.items()}

    def first_user(self, event: str) -> tuple[str, datetime] | None:
        """Return the user who was the first to say what users say of the event, and when; None where none did."""
        words = self.words.get(event)
        if not words:
            return None
        was = _opinion(words)
        return min(((user, word.at) for user, word in words.items() if word.was == was), key=lambda each: each[::-1])

    def with_word(self, event: str, user: str, word: Word | None) -> MessageFeedback:
        """Return the feedback with the user's word on the event; None takes the word back. Raises NotAllowed."""
        there = {name: each for name, each in self.words.get(event, {}).items() if name != user}
        others = {name: words for name, words in self.words.items() if name != event}
        if word is not None:
            there[user] = word
        found = MessageFeedback(words={**others, event: there} if there else others)
        if word is not None and sum(map(len, found.words.values())) > MOST_WORDS:
            raise NotAllowed(f"There are {MOST_WORDS} words on events of this message already, and no more are taken.")
        return found

    def without_events(self, events: Collection[str]) -> MessageFeedback:
        """Return the feedback without these events."""
        return MessageFeedback(words={name: words for name, words in self.words.items() if name not in events})


def _opinion(words: Mapping[str, Word]) -> Was:
    counts = Counter(word.was for word in words.values())
    last = max(words.values(), key=lambda word: (counts[word.was], word.at, word.was))
    return last.was


class FeedbackStore:
    """Reads and writes the row `f` of messages."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def load_feedback(self, organization: str, message: str) -> MessageFeedback:
        """Read the feedback on the message's events; empty where there is none. Raises StorageError."""
        row = await self._tables.read_row(table(organization, "messages"), message, FEEDBACK_ROW)
        return MessageFeedback() if row is None else unpack(MessageFeedback, row)

    async def save_word(self, organization: str, message: str, event: str, user: str, word: Word | None) -> None:
        """Put the user's word on the event in place of the one before; None takes it back. Again is the same.

        Raises NotAllowed where the message has too many words, Stale, StorageError.
        """

        async def save_once() -> None:
            row = await self._tables.read_row(table(organization, "messages"), message, FEEDBACK_ROW)
            before = MessageFeedback() if row is None else unpack(MessageFeedback, row)
            known = before.words.get(event, {}).get(user)
            if (known.was if known else None) != (word.was if word else None):
                await self._put(organization, message, before.with_word(event, user, word), row)

        await retry_on_conflict(f"the feedback on message {message}", save_once)

    async def forget_events(self, organization: str, message: str, events: Collection[str]) -> None:
        """Remove all words on these events. Again is the same. Raises Stale, StorageError."""

        async def forget_once() -> None:
            row = await self._tables.read_row(table(organization, "messages"), message, FEEDBACK_ROW)
            if row is not None and events:
                await self._put(organization, message, unpack(MessageFeedback, row).without_events(events), row)

        await retry_on_conflict(f"the feedback on message {message}", forget_once)

    async def forget_message(self, organization: str, message: str) -> None:
        """Remove the feedback of a message that is gone. Again is the same. Raises StorageError."""
        with suppress(Missing):
            await self._tables.write_rows(table(organization, "messages"), [Delete(message, FEEDBACK_ROW)])

    async def _put(self, organization: str, message: str, feedback: MessageFeedback, before: Row | None) -> None:
        """Raises Conflict where another writer was first, Stale where the organization is gone."""
        row = Row(message, FEEDBACK_ROW, pack(feedback), before.etag if before else None)
        try:
            await self._tables.write_rows(table(organization, "messages"), [put_if_unchanged(row)])
        except Missing as missing:
            if before is None:
                raise Stale(f"message {message} is gone") from missing
            raise Conflict(f"the feedback on message {message} was removed") from missing
