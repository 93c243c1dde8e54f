"""The play: an organization writes to its recipients for months, and everything happens that follows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from random import Random

from bench.traces.addresses import near
from bench.traces.draft import Draft
from bench.traces.organizations import DAYS, at_click, at_delivery, readers
from bench.traces.organizations.afterwards import move_and_search
from bench.traces.organizations.copies import Answer, Copy, Letter
from bench.traces.organizations.devices import placed
from bench.traces.organizations.own_side import own_side_looks, quoted_pixel
from bench.traces.organizations.wire import dressed
from bench.traces.organizations.world import (
    START,
    USUAL,
    Organization,
    Recipient,
    Sender,
    Setting,
    found_organization,
    is_working_day,
)
from bench.traces.people import outlook_desktop, outlook_web
from bench.traces.timing import DAY, HOUR, MINUTE, SECOND, lognormal
from bench.traces.trace import Request, Trace
from lib.catalogues.networks import Networks
from lib.clock import moment
from lib.tracking.facts import Fact, answer_fact

MAILS_A_DAY = 0.14
"""Mails that a recipient is sent on a working day: about one in ten days."""

TOGETHER = 0.12
"""Share of the mails that go to two or three people of one company."""

ANNOUNCEMENTS = 14
"""Mails of the whole play that go to all people of a company with one office."""


@dataclass(frozen=True)
class PlayedMail:
    """One mail of the play, with its truth and with what a judge with a memory may know of it."""

    trace: Trace
    sender: str
    recipients: tuple[str, ...]
    """E-mail addresses, by recipient number."""

    answers: tuple[Answer, ...]

    def hits(self, networks: Networks) -> list[tuple[Request, Fact]]:
        """Requests that leave a fact, each with its fact."""
        return list(self.trace.labelled(networks))

    @cached_property
    def answer_facts(self) -> list[Fact]:
        """Facts of the mails that came back."""
        message = self.trace.message
        return [
            answer_fact(each.kind, message, moment(each.at), f"{place:02x}{message[2:]}", each.recipient)
            for place, each in enumerate(self.answers)
        ]

    @property
    def day(self) -> int:
        """Day of the sending, counted from the start of the play."""
        return (self.trace.sent_at - START) // DAY


def play(seed: int, days: int = DAYS, setting: Setting = USUAL) -> list[PlayedMail]:
    """Play an organization, the same for the same seed and setting. Mails come in the order of their sending."""
    organization = found_organization(seed, setting)
    letters = [letter for day in range(days) for letter in _day(organization, day)]
    letters += _announcements(organization, days)
    copies = [Copy(organization, letter, number) for letter in letters for number in range(len(letter.recipients))]
    move_and_search(organization, copies)
    return sorted(map(_finished, letters), key=lambda mail: (mail.trace.sent_at, mail.trace.message))


def _day(organization: Organization, day: int) -> list[Letter]:
    if not is_working_day(day):
        return []
    random = Random(f"day {organization.seed} {day}")
    written = [each for each in organization.recipients if random.random() < MAILS_A_DAY]
    return [
        _letter(organization, Random(f"mail {organization.seed} {day} {each.number}"), each, day) for each in written
    ]


def _letter(organization: Organization, random: Random, recipient: Recipient, day: int) -> Letter:
    colleagues = [each for each in organization.at(recipient.company) if each is not recipient]
    others = (
        random.sample(colleagues, min(len(colleagues), random.choice((1, 2)))) if random.random() < TOGETHER else []
    )
    letter = _posted(organization, random, organization.sender_to(recipient.company), [recipient, *others], day)
    for number in range(len(letter.recipients)):
        _arrive(Copy(organization, letter, number))
    return letter


def _posted(
    organization: Organization, random: Random, sender: Sender, recipients: list[Recipient], day: int
) -> Letter:
    draft = Draft.start(random, "mail")
    draft.in_campaign = False
    draft.sent_at = START + day * DAY + random.randrange(7 * HOUR, 17 * HOUR)
    draft.own_address = near(random, organization.office)
    for recipient in recipients:
        draft.to(recipient.company.gateway)
    return Letter(draft, sender, recipients)


def _arrive(copy: Copy) -> None:
    """All that becomes of one copy, but for what happens to whole mailboxes."""
    random, recipient, begin = copy.random, copy.recipient, len(copy.draft.requests)
    if recipient.habit == "tabs-on-a-phone" and len(copy.letter.recipients) == 1:
        copy.draft.has_at_least(2)
    if random.random() < copy.company.scanned:
        at_delivery.KINDS[copy.company.at_delivery](copy)
    if copy.company.has_help_desk and copy.organization.at(copy.company)[0] is recipient:
        readers.help_desk(copy)
    elif random.random() < recipient.interest:
        readers.KINDS[recipient.habit](copy)
    else:
        readers.loads_by_itself(copy)
    _follow_up(copy, begin)
    day = (copy.delivered - START) // DAY
    if day in recipient.away:
        copy.answer("auto_reply", copy.delivered + 2 * SECOND)


def _follow_up(copy: Copy, begin: int) -> None:
    """Machines at people's clicks, and looks of the sender's own side. A check beside a click that nothing tells would
    tell: there is none."""
    check = at_click.KINDS[copy.company.at_click]
    for click in copy.clicks_of_people(begin):
        check(copy, click)
    for answer in copy.letter.answers:
        if answer.recipient == copy.number and answer.kind == "reply" and copy.random.random() < 0.5:
            quoted_pixel(copy, answer.at)
    own_side_looks(copy)


def _announcements(organization: Organization, days: int) -> list[Letter]:
    """To everyone at companies of five and more, on some days."""
    random = Random(f"announcements {organization.seed}")
    large = [each for each in organization.companies if len(organization.at(each)) >= 5]
    return [
        _announcement(
            organization, Random(f"announcement {organization.seed} {number}"), random.choice(large).number, days
        )
        for number in range(ANNOUNCEMENTS)
    ]


def _announcement(organization: Organization, random: Random, company: int, days: int) -> Letter:
    there = organization.at(organization.companies[company])
    day = random.choice([day for day in range(days) if is_working_day(day)])
    letter = _posted(organization, random, organization.sender_to(organization.companies[company]), there, day)
    letter.draft.has_at_least(1)
    program = outlook_desktop if random.random() < 0.5 else outlook_web
    managed = placed(random, program(random), "office", organization.companies[company].office)
    start = letter.draft.sent_at + int(lognormal(random, 3 * MINUTE, 1.0, 20 * SECOND, HOUR))
    for number in range(len(there)):
        copy = Copy(organization, letter, number)
        begin = len(letter.draft.requests)
        if random.random() < copy.company.scanned:
            at_delivery.KINDS[copy.company.at_delivery](copy)
        if random.random() < 0.7:
            readers.announcement(copy, start, managed.used(random, start, START))
        _follow_up(copy, begin)
    return letter


def _finished(letter: Letter) -> PlayedMail:
    letter.draft.requests = [dressed(request) for request in letter.draft.requests]
    trace = letter.draft.finish()
    gateways = tuple(each.company.gateway if each.company.is_known else None for each in letter.recipients)
    own = trace.own_networks[:1]
    return PlayedMail(
        trace=replace(trace, gateways=gateways, own_networks=own),
        sender=letter.sender.email,
        recipients=tuple(each.email for each in letter.recipients),
        answers=tuple(sorted(letter.answers, key=lambda each: each.at)),
    )
