"""Additions to the benchmark's play: failures, refusals, stops, reminders, delays, and words of recipients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from demo.cast import NOT_OPTED_IN, Cast, Contact
from demo.letters import Letter
from lib.transports.protocol import Accepted, Outcome, RecipientRefusal, Refused, Unknown

_LATELY = timedelta(days=6)
_TROUBLED = 8
"""Mails of the last days that fail, or end in doubt."""

_REFUSALS = (
    Refused(False, "554 5.7.1", "Message rejected because of its content"),
    Refused(False, "550 5.7.26", "The sender's domain does not pass DMARC"),
    Refused(False, "552 5.3.4", "Message is larger than this server takes"),
)
_DOUBT = Unknown("The mail server did not answer after the text of the mail.")

BOUNCES: Sequence[tuple[str, str]] = (
    ("5.1.1", "550 5.1.1 The mailbox does not exist"),
    ("5.1.1", "550 5.1.1 No such user here"),
    ("5.2.2", "552 5.2.2 The mailbox is full"),
)

_CONSENTS: Sequence[Mapping[str, str]] = (
    {"follow": "allow", "basis": "consent", "source": "Form on our web page", "notice": "Privacy notice 3"},
    {"follow": "allow", "basis": "consent", "source": "Said at the visit", "notice": "Privacy notice 3"},
    {"follow": "do_not_allow", "source": "Said by phone"},
)


@dataclass(frozen=True, slots=True)
class Plans:
    """People and letters out of the ordinary. Letters are named by their numbers, contacts by their addresses."""

    outcomes: Mapping[int, Outcome]
    """Answers of the mail server to letters that it does not simply take."""

    unreachable: Mapping[str, tuple[str, str]]
    """Mailboxes that cannot be reached: the status code and the words of their server."""

    stops: Mapping[str, int]
    """Recipients who stop the recording: the number of the letter after which they do."""

    reminders: Mapping[int, Mapping[str, Any]]
    delays: Mapping[int, timedelta]
    """Time from writing a letter to its sending."""

    consents: Mapping[str, Mapping[str, str]]
    """Statements of recipients, from before the first letter."""

    not_followed: Sequence[Contact]
    """Contacts whose records do not allow following."""


def make_plans(letters: Sequence[Letter], cast: Cast, now: datetime, seed: int) -> Plans:
    """Choose who and what is out of the ordinary, the same for the same seed."""
    random = Random(f"plans {seed}")
    single = [each for each in letters if len(each.recipients) == 1 and each.sender.id != NOT_OPTED_IN]
    outcomes = _outcomes(random, letters, single, cast, now)
    quiet = [each for each in single if each.number not in outcomes and not each.requests and not each.answers]
    unreachable = {
        letter.recipients[0].email: BOUNCES[place % len(BOUNCES)]
        for place, letter in enumerate(random.sample(quiet, min(len(quiet), 8)))
    }
    eager = [each for each in single if each.number not in outcomes and len(each.requests) > 1 and not each.answers]
    stops = {each.recipients[0].email: each.number for each in random.sample(eager, min(len(eager), 4))}
    others = [each for each in cast.contacts.values() if each.email not in stops and each.email not in unreachable]
    chosen = random.sample(others, 26)
    return Plans(
        outcomes=outcomes,
        unreachable=unreachable,
        stops=stops,
        reminders=_reminders(random, single),
        delays={
            each.number: timedelta(minutes=random.randrange(40, 20 * 60))
            for each in single
            if each.number not in outcomes and random.random() < 0.1
        },
        consents={each.email: random.choice(_CONSENTS) for each in chosen[:20]},
        not_followed=chosen[20:],
    )


def _outcomes(
    random: Random, letters: Sequence[Letter], single: list[Letter], cast: Cast, now: datetime
) -> dict[int, Outcome]:
    """Let some mails of the last days fail, some end in doubt, and one not be taken for one of its recipients."""
    late = [each for each in single if each.sent_at > now - _LATELY]
    late = late if len(late) >= _TROUBLED else single[-2 * _TROUBLED :]
    random.shuffle(late)
    # The first salesperson, as whom a newcomer signs in, has two of them.
    own = [each for each in late if each.sender is cast.sellers[0]][:2]
    chosen = [*own, *(each for each in late if each not in own)][:_TROUBLED]
    found: dict[int, Outcome] = {
        each.number: _DOUBT if place % 2 else random.choice(_REFUSALS) for place, each in enumerate(chosen)
    }
    several = next((each for each in reversed(letters) if len(each.recipients) > 1), None)
    if several is not None:
        address = several.recipients[-1].email
        found[several.number] = Accepted(refused=(RecipientRefusal(address, "550 5.1.1", "No such user", False),))
    return found


def _reminders(random: Random, letters: Sequence[Letter]) -> dict[int, Mapping[str, Any]]:
    kinds = (
        ("no_reply", "Ask again", timedelta(days=4)),
        ("no_reply", "Call about the quote", timedelta(days=7)),
        ("not_opened", "Try another address", timedelta(days=3)),
        ("always", "Prepare the visit", timedelta(days=9)),
    )
    found: dict[int, Mapping[str, Any]] = {}
    for letter in letters:
        if random.random() < 0.16:
            condition, title, later = random.choice(kinds)
            at = (letter.sent_at + later).replace(hour=8, minute=random.choice((0, 15, 30)), second=0, microsecond=0)
            found[letter.number] = {"title": title, "condition": condition, "at": at.isoformat()}
    return found
