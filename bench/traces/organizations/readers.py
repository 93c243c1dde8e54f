"""Habits of reading: at which device, when, and what follows. A recipient keeps one habit."""

from __future__ import annotations

from collections.abc import Callable

from bench.traces import agents
from bench.traces.addresses import address_in
from bench.traces.draft import Source
from bench.traces.organizations.copies import Copy
from bench.traces.organizations.devices import phone_like
from bench.traces.organizations.hidden import (
    assistant_in_the_readers_browser,
    opened_on_a_strangers_phone,
    passed_to_a_stranger,
)
from bench.traces.organizations.world import PHONES, START
from bench.traces.people import (
    Person,
    click,
    headers,
    how_many_clicks,
    interesting_links,
    open_mail,
    person_behind,
    prefetch,
    read_mail,
)
from bench.traces.timing import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    between_tabs,
    lognormal,
    until_click,
    until_read,
    until_read_at_once,
)

FORWARDS = 0.04
"""Chance that a reader passes a mail on to a colleague. Assumed."""

_STILL_NEW = 30 * DAY
"""A phone is new for so long: its agent and its places were at no mail before."""


def ordinary_reader(copy: Copy) -> None:
    """A person reads at one of their devices, may follow links, and may look again at another. Most places and programs
    come again with the next mail."""
    read_as(copy, "ordinary-reader", _when(copy))


def prompt_in_new_outlook(copy: Copy) -> None:
    """A person at the inbox reads within a minute, in the new Outlook, which loads images like a browser and adds its
    name. Time speaks for a machine; the program, and the same device at earlier mails, for the person."""
    _read_promptly(copy, "prompt-in-new-outlook")


def prompt_in_outlook_on_the_web(copy: Copy) -> None:
    """A person reads within a minute in a browser tab. Only place and agent, known from earlier mails, tell them from a
    scanner that imitates a browser."""
    _read_promptly(copy, "prompt-in-outlook-on-the-web")


def prompt_through_the_image_service(copy: Copy) -> None:
    """A person reads within a minute, and Microsoft's image service loads the image from the network where its scanners
    live, too. The recipient's earlier opens came the same way. Source: warmbly#412."""
    _read_promptly(copy, "prompt-through-the-image-service")


def _read_promptly(copy: Copy, kind: str) -> None:
    at_the_inbox = copy.random.random() < 0.6
    at = copy.delivered + (until_read_at_once(copy.random) if at_the_inbox else until_read(copy.random))
    device = copy.recipient.devices[0]
    read_as(copy, kind if at_the_inbox else "ordinary-reader", at, copy.with_device(device, at))


def tabs_on_a_phone(copy: Copy) -> None:
    """A person opens two to four links in tabs of a phone's browser, a second apart, to read them later. The pace is a
    scanner's; the mail was opened on the same phone, often without its images. Assumed."""
    at = _when(copy)
    person = copy.with_device(copy.recipient.devices[0], at)
    person.loads = 0.5
    if len(copy.draft.visible_links) < 2:
        read_as(copy, "ordinary-reader", at, person)
        return
    with copy.acting("tabs-on-a-phone"):
        open_mail(copy.draft, person, copy.number, at)
        if copy.random.random() < copy.recipient.clicks + 0.2:
            now = at + until_click(copy.random)
            for item in interesting_links(copy.draft, copy.random.choice((2, 2, 3, 4))):
                click(copy.draft, person, copy.number, now, item)
                now += between_tabs(copy.random)


def cloud_desktop(copy: Copy) -> None:
    """A person works on a desktop in a cloud: program and browser in a data center where scanners run. The same place
    at all their mails tells, and replies. Assumed."""
    at = _when(copy)
    read_as(copy, "cloud-desktop", at, copy.with_device(copy.recipient.devices[0], at))


def behind_a_vpn(copy: Copy) -> None:
    """A person reads through a VPN whose exits carry people of other companies, and machines. That a network is seen at
    two companies says nothing here."""
    at = _when(copy)
    read_as(copy, "behind-a-vpn", at, copy.with_device(copy.recipient.devices[0], at))


def browser_engine_program(copy: Copy) -> None:
    """A person reads in Mailbird, eM Client or a program on QtWebEngine: its agent names a browser that is years old,
    and the program."""
    read_as(copy, "browser-engine-program", _when(copy))


def outlook_on_an_ipad(copy: Copy) -> None:
    """A person reads in Outlook on a tablet, and follows links in Safari, which says that it is on a Mac."""
    read_as(copy, "outlook-on-an-ipad", _when(copy))


def phone_behind_one_carrier(copy: Copy) -> None:
    """A person reads on a phone behind one of a carrier's few addresses, as most recipients of the only sender do, and
    the sender, too: place and program are the same for all. A recipient comes back to mail, follows links in the
    phone's browser and answers; the sender's phone is at everyone's mail. Assumed."""
    at = _when(copy)
    read_as(copy, PHONES, at, copy.with_device(copy.recipient.devices[0], at))


def passes_mail_to_strangers(copy: Copy) -> None:
    """A person who reads, and passes mails on to people who are seen nowhere else."""
    read_as(copy, "ordinary-reader", _when(copy))
    for _ in range(copy.random.choice((0, 1, 2))):
        passed_to_a_stranger(copy)
    if copy.random.random() < 0.15:
        opened_on_a_strangers_phone(copy)


def assistant_in_a_cloud(copy: Copy) -> None:
    """An assistant reads the inbox for a person every morning: from a cloud, as a current browser, the image and one or
    two links of each mail. The same source at many mails of many people, always before its person, tells. Assumed after
    what vendors of such assistants describe."""
    morning = copy.delivered // DAY * DAY + 7 * HOUR
    at = (morning if morning > copy.delivered else morning + DAY) + copy.random.randrange(20 * MINUTE)
    source = copy.organization.machines[0].source(copy.random, at)
    if copy.random.random() < 0.8:
        with copy.acting("assistant-in-a-cloud"):
            copy.draft.request(at, source, "machine", copy.number)
            _follow(copy, source, at + 3 * SECOND, copy.random.choice((0, 1, 1, 2)))
    read_as(copy, "ordinary-reader", _when(copy))


def assistant_that_says_so(copy: Copy) -> None:
    """A person reads, and asks an assistant about a link, which fetches it and names itself."""
    at = _when(copy)
    read_as(copy, "ordinary-reader", at)
    if copy.random.random() < 0.4:
        source = Source(address_in(copy.random, "azure"), headers(copy.random.choice(agents.ASSISTANTS)))
        with copy.acting("assistant-that-says-so"):
            _follow(copy, source, at + lognormal(copy.random, MINUTE, 0.8, 10 * SECOND), 1)


def _follow(copy: Copy, source: Source, at: float, count: int) -> None:
    for item in interesting_links(copy.draft, count):
        copy.draft.request(at, source, "machine", copy.number, "click", item)
        at += lognormal(copy.random, 8 * SECOND, 0.8, SECOND)


def help_desk(copy: Copy) -> None:
    """A ticket system takes the mail in: it fetches the image at once and previews a link, from its own servers, at
    every mail to the desk. Then one of the staff reads in the ticket system at the office. Assumed."""
    at = copy.delivered + lognormal(copy.random, 3 * SECOND, 0.8, SECOND, MINUTE)
    source = copy.organization.machines[1].source(copy.random, at)
    with copy.acting("help-desk"):
        copy.draft.request(at, source, "machine", copy.number)
        if copy.random.random() < 0.5:
            _follow(copy, source, at + 2 * SECOND, 1)
    if copy.random.random() < 0.5:
        read_as(copy, "help-desk-s-staff", copy.delivered + lognormal(copy.random, HOUR, 1.0, 2 * MINUTE, 2 * DAY))


def announcement(copy: Copy, start: int, person: Person) -> None:
    """All people of a company get one announcement and read it within an hour, most at once, behind one address, in the
    same managed program. Many people at one source are an office here. Assumed."""
    at = max(start, copy.delivered + 4 * SECOND) + int(lognormal(copy.random, 2 * MINUTE, 1.2, 2 * SECOND, HOUR))
    own = Person(person.reader, person.browser, loads=0.9, again=0.5)
    read_as(copy, "announcement-behind-one-address", at, own)


def read_as(copy: Copy, kind: str, at: float, person: Person | None = None) -> None:
    """Read, perhaps click, look again, pass on, answer. Without a `person`, one of the recipient's devices is taken."""
    random, recipient, when = copy.random, copy.recipient, int(at)
    device = None if person else copy.device_at(when)
    who = person or copy.with_device(device or recipient.devices[0], when)
    if device is not None and device.bought > when - _STILL_NEW:
        kind = "new-phone"
    elif _is_first_morning(copy, when):
        kind = "back-from-holiday"
    if copy.company.isolated is not None and not phone_like(who):
        who.browser = Source(address_in(random, copy.company.isolated), who.browser.headers)
        kind = "isolated-browsing"
    wants = how_many_clicks(random) if random.random() < recipient.clicks else 0
    with copy.acting(kind):
        looked = read_mail(copy.draft, who, copy.number, when, wants)
    if random.random() < 0.15:
        again = looked + int(lognormal(random, 5 * HOUR, 1.5, 5 * MINUTE, 10 * DAY))
        with copy.acting(kind):
            open_mail(copy.draft, copy.with_device(copy.device_at(again), again), copy.number, again)
    if random.random() < FORWARDS:
        pass_on(copy, looked)
    if random.random() < recipient.replies:
        copy.answer("reply", looked + lognormal(random, 20 * MINUTE, 1.3, 40 * SECOND, 5 * DAY))


def pass_on(copy: Copy, after: int) -> None:
    """A colleague at the same company reads what was passed on, often at a device that has other mails as well."""
    colleagues = [each for each in copy.organization.at(copy.company) if each is not copy.recipient]
    at = after + int(lognormal(copy.random, 90 * MINUTE, 1.4, MINUTE, 8 * DAY))
    if colleagues and copy.random.random() < 0.8:
        person = copy.random.choice(colleagues).devices[0].used(copy.random, at, START)
    else:
        person = person_behind(copy.random, copy.company.gateway, without_apple=True)
    with copy.acting("forward"):
        read_mail(copy.draft, person, copy.number, at, int(copy.random.random() < 0.3))


def _when(copy: Copy) -> int:
    """Time of the first look: hours later, or on the first morning after a holiday, one mail after the other."""
    at = copy.delivered + until_read(copy.random)
    away = copy.recipient.away
    if away and away.start * DAY <= at - START < away.stop * DAY:
        return START + away.stop * DAY + 8 * HOUR + copy.random.randrange(40 * MINUTE)
    return at


def _is_first_morning(copy: Copy, at: int) -> bool:
    """Whether the recipient reads what came during a holiday: all of it within an hour."""
    back = START + copy.recipient.away.stop * DAY
    return bool(copy.recipient.away) and copy.delivered < back + 8 * HOUR <= at < back + 9 * HOUR


def loads_by_itself(copy: Copy) -> None:
    """Apple Mail loads the image of a mail that its user does not read."""
    device = copy.recipient.devices[0]
    if device.person.apple:
        with copy.acting("apple-without-a-reader"):
            prefetch(copy.draft, copy.with_device(device, copy.delivered), copy.number)


KINDS: dict[str, Callable[[Copy], None]] = {
    "ordinary-reader": ordinary_reader,
    "prompt-in-new-outlook": prompt_in_new_outlook,
    "prompt-in-outlook-on-the-web": prompt_in_outlook_on_the_web,
    "prompt-through-the-image-service": prompt_through_the_image_service,
    "tabs-on-a-phone": tabs_on_a_phone,
    "cloud-desktop": cloud_desktop,
    "behind-a-vpn": behind_a_vpn,
    "browser-engine-program": browser_engine_program,
    "outlook-on-an-ipad": outlook_on_an_ipad,
    "assistant-in-a-cloud": assistant_in_a_cloud,
    "assistant-that-says-so": assistant_that_says_so,
    "assistant-in-the-reader-s-browser": assistant_in_the_readers_browser,
    PHONES: phone_behind_one_carrier,
    "passes-mail-to-strangers": passes_mail_to_strangers,
}
