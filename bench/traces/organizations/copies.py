"""A copy of a mail in the making: whose it is, and what comes back for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from random import Random

from bench.traces.draft import Draft
from bench.traces.organizations.devices import Device
from bench.traces.organizations.world import START, Company, Organization, Recipient, Sender
from bench.traces.people import Person
from bench.traces.trace import Request
from lib.tracking.facts import AnswerKind


@dataclass(frozen=True, slots=True)
class Answer:
    """A mail that comes back. `at` is milliseconds since 1970; `recipient` is the number within the mail."""

    kind: AnswerKind
    at: int
    recipient: int


@dataclass(slots=True)
class Letter:
    """A mail on its way: the draft that gathers requests, and the people whom it goes to."""

    draft: Draft
    sender: Sender
    recipients: list[Recipient]
    answers: list[Answer] = field(default_factory=list)


@dataclass(slots=True)
class Copy:
    """The copy of a mail that one recipient gets."""

    organization: Organization
    letter: Letter
    number: int
    """The recipient's number within the mail."""

    @property
    def draft(self) -> Draft:
        return self.letter.draft

    @property
    def random(self) -> Random:
        return self.draft.random

    @property
    def recipient(self) -> Recipient:
        return self.letter.recipients[self.number]

    @property
    def company(self) -> Company:
        return self.recipient.company

    @property
    def delivered(self) -> int:
        """Milliseconds since 1970 at which the copy was in the mailbox."""
        return self.draft.delivered[self.number]

    @contextmanager
    def acting(self, kind: str, *, nothing_tells: bool = False) -> Iterator[None]:
        """Label all requests that are made meanwhile with this kind of behaviour."""
        begin, before = len(self.draft.requests), self.draft.scenario
        self.draft.scenario = kind
        yield
        self.draft.scenario = before
        if nothing_tells:
            self.draft.requests[begin:] = [replace(each, nothing_tells=True) for each in self.draft.requests[begin:]]

    def with_device(self, device: Device, at: float) -> Person:
        """The person at that device at that time."""
        return device.used(self.random, at, START)

    def device_at(self, at: float) -> Device:
        """The device that the recipient takes at that time: mostly the first one, or a new phone instead of the old."""
        there = [device for device in self.recipient.devices if device.bought <= at]
        new = [device for device in there if device.bought]
        if new and self.random.random() < 0.6:
            return new[-1]
        return there[0] if len(there) == 1 or self.random.random() < 0.65 else self.random.choice(there[1:])

    def answer(self, kind: AnswerKind, at: float) -> None:
        """A mail comes back from this recipient."""
        self.letter.answers.append(Answer(kind, int(at), self.number))

    def clicks_of_people(self, begin: int) -> list[Request]:
        """People's clicks on this copy among the requests from place `begin` on, but for those that nothing tells."""
        return [
            each
            for each in self.draft.requests[begin:]
            if each.kind == "click"
            and each.actor == "person"
            and each.recipient == self.number
            and not each.nothing_tells
        ]
