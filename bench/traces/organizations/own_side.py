"""The sender's own side: looks at the sender's own mail, which are no engagement."""

from __future__ import annotations

from bench.traces.addresses import near
from bench.traces.agents import outlook_desktop
from bench.traces.draft import Source
from bench.traces.organizations.copies import Copy
from bench.traces.organizations.hidden import colleague_looks_once
from bench.traces.organizations.world import START
from bench.traces.people import headers
from bench.traces.timing import DAY, HOUR, MINUTE, SECOND, lognormal


def quoted_pixel(copy: Copy, answered_at: int) -> None:
    """The recipient's answer quotes the mail with its pixel, and the sender's program loads it, in the office or out of
    it. That an answer came just before tells, and the sender's device. Sources: nylas-mail#3249, Mixmax."""
    random = copy.random
    at = answered_at + lognormal(random, 12 * MINUTE, 1.2, 10 * SECOND, 2 * DAY)
    if random.random() < 0.4:
        source = Source(near(random, copy.organization.office), headers(outlook_desktop(random)))
    else:
        source = _sender_s_device(copy, at)
    with copy.acting("quoted-pixel"):
        for _ in range(random.choice((1, 1, 2))):
            copy.draft.request(at, source, "machine", copy.number)
            at += lognormal(random, 30 * MINUTE, 1.0, 5 * SECOND)


def own_look_from_elsewhere(copy: Copy) -> None:
    """The sender looks at a mail at home or on a phone, from no registered network. The same device at mails to many
    recipients of this sender tells. Sources: nylas-mail#3249, Salesflare, Mixmax."""
    at = copy.delivered + lognormal(copy.random, 6 * HOUR, 1.5, MINUTE, 20 * DAY)
    with copy.acting("own-look-from-elsewhere"):
        copy.draft.request(at, _sender_s_device(copy, at), "machine", copy.number)


def own_look_in_the_office(copy: Copy) -> None:
    """The sender or a colleague looks at a mail in the office, whose network is registered."""
    at = copy.delivered + lognormal(copy.random, HOUR, 1.8, 5 * SECOND, 10 * DAY)
    source = Source(near(copy.random, copy.organization.office), headers(outlook_desktop(copy.random)))
    with copy.acting("own-look-in-the-office"):
        copy.draft.request(at, source, "machine", copy.number)


def own_side_looks(copy: Copy) -> None:
    """All looks of the sender's side at one copy but for answers: their chances are assumed."""
    if copy.random.random() < copy.letter.sender.looks:
        own_look_from_elsewhere(copy)
    if copy.random.random() < 0.03:
        own_look_in_the_office(copy)
    if copy.random.random() < 0.002:
        colleague_looks_once(copy)


def _sender_s_device(copy: Copy, at: float) -> Source:
    device = copy.random.choice(copy.letter.sender.devices)
    return device.used(copy.random, at, START).reader
