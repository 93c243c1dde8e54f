"""Recipients: with which program from where they read, and what they do with a mail.

A person has a program that loads the images and a browser that follows the links. The two differ in agent, and often
in address: a proxy loads the images (Gmail, Yahoo, Outlook on the web), the click comes from the person's own network.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from bench.traces import agents
from bench.traces.addresses import address_in, near
from bench.traces.draft import GOOGLE, ICLOUD, YAHOO, Draft, Source
from bench.traces.timing import DAY, HOUR, MINUTE, SECOND, between_clicks, lognormal, until_click, until_read

_LANGUAGES = (
    "en-US,en;q=0.9",
    "en-GB,en;q=0.9",
    "de-DE,de;q=0.9,en;q=0.8",
    "fr-FR,fr;q=0.9,en;q=0.8",
    "es-ES,es;q=0.9",
)

CLICKS = 0.3
"""How many of those who read a mail with links click. The field's figure is 10 to 15 %; more here, as clicks are what
costs most to misjudge and there should be many of them."""


@dataclass(slots=True)
class Person:
    """`loads`: how likely an open shows as a request (Outlook blocks images until asked). `again`: a later one (proxies
    and clients cache). `moves`: chance that the next request comes from another network, as phones' do.
    """

    reader: Source
    browser: Source
    loads: float = 1.0
    again: float = 0.8
    moves: float = 0.0
    roams_in: tuple[str, ...] = ("mobile", "home", "hotel-or-cafe")
    proxied: bool = False
    apple: bool = False

    def move(self, random: Random) -> None:
        """Another network for both programs, now and then."""
        if random.random() < self.moves:
            address = address_in(random, random.choice(self.roams_in))
            self.browser = Source(address, self.browser.headers)
            if not self.proxied:
                self.reader = Source(address, self.reader.headers)


def headers(agent: str | None, language: str | None = None) -> dict[str, str]:
    found = {} if agent is None else {"user-agent": agent}
    return {**found, "accept-language": language} if language else found


def browser_headers(random: Random, agent: str) -> dict[str, str]:
    """Every browser says which language is read; a company's proxy or a cautious person takes it out, now and then."""
    return headers(agent, random.choice(_LANGUAGES) if random.random() < 0.98 else None)


def outlook_desktop(random: Random) -> Person:
    """Images blocked until the person asks for them, by default; half have them on or ask. Assumed."""
    address = address_in(random, random.choices(("office", "home", "web-gateway"), (62, 30, 8))[0])
    browser = Source(address, browser_headers(random, agents.windows_browser(random)))
    return Person(Source(address, headers(agents.outlook_desktop(random))), browser, loads=0.55, again=0.8)


def outlook_web(random: Random) -> Person:
    """Outlook on the web of companies, and the new Outlook: the browser itself loads the images."""
    address = address_in(random, random.choices(("office", "home", "web-gateway"), (58, 34, 8))[0])
    source = Source(address, browser_headers(random, agents.windows_browser(random)))
    return Person(source, source, loads=0.85, again=0.6)


def outlook_proxied(random: Random) -> Person:
    """Microsoft's image proxy loads the images (warmbly#412). That its agent is a browser's is assumed."""
    agent = agents.windows_browser(random)
    reader = Source(address_in(random, "exchange-online"), headers(agent))
    browser = Source(address_in(random, "home"), browser_headers(random, agent))
    return Person(reader, browser, again=0.4, proxied=True)


def outlook_phone(random: Random) -> Person:
    if random.random() < 0.6:
        return phone(random, agents.outlook_iphone(random), agents.iphone_safari(random))
    return phone(random, agents.outlook_android(random), agents.android_chrome(random))


def phone(random: Random, reader: str, browser: str) -> Person:
    """Carriers and Wi-Fi: the next request often has another address."""
    address = address_in(random, random.choices(("mobile", "home", "office"), (55, 30, 15))[0])
    follows = Source(address, browser_headers(random, browser))
    loads = Source(address, {**follows.headers, "user-agent": reader})
    return Person(loads, follows, again=0.75, moves=0.35)


def gmail(random: Random) -> Person:
    """The proxy caches; SparkPost: later opens are mostly not seen."""
    reader = Source(address_in(random, "google-proxy"), headers(agents.GOOGLE_PROXY))
    return Person(reader, _any_browser(random), again=0.3, proxied=True)


def yahoo(random: Random) -> Person:
    reader = Source(address_in(random, "yahoo-proxy"), headers(agents.YAHOO_PROXY))
    return Person(reader, _any_browser(random), again=0.3, proxied=True)


def thunderbird(random: Random) -> Person:
    address = address_in(random, random.choice(("home", "office")))
    reader = Source(address, browser_headers(random, agents.thunderbird(random)))
    return Person(reader, Source(address, browser_headers(random, agents.desktop_browser(random))), loads=0.4)


def apple_plain(random: Random) -> Person:
    """Apple Mail with the protection off: an eighth of Apple's opens in Litmus' figures of March 2022."""
    agent = agents.apple_mail(random)
    is_phone = "iPhone" in agent
    address = address_in(random, "mobile" if is_phone else random.choice(("home", "office")))
    safari = agents.iphone_safari(random) if is_phone else agents.mac_safari(random)
    browser = Source(address, browser_headers(random, safari))
    return Person(Source(address, {**browser.headers, "user-agent": agent}), browser, moves=0.3 if is_phone else 0.0)


def apple_private(random: Random) -> Person:
    """Apple Mail with the protection on. A quarter also browse through Private Relay (a paid extra; assumed)."""
    is_phone = random.random() < 0.65
    safari = agents.iphone_safari(random) if is_phone else agents.mac_safari(random)
    place = "apple-relay" if random.random() < 0.25 else random.choice(("mobile", "home", "office"))
    browser = Source(address_in(random, place), browser_headers(random, safari))
    reader = Source(address_in(random, "apple-relay"), headers(agents.apple_prefetch(random)))
    return Person(reader, browser, again=0.15, proxied=True, apple=True, moves=0.2 if place != "apple-relay" else 0.0)


Kinds = tuple[tuple[Callable[[Random], Person], float], ...]

_AT_GOOGLE: Kinds = ((gmail, 72), (apple_private, 20), (apple_plain, 3), (thunderbird, 3), (outlook_desktop, 2))
_AT_OFFICES: Kinds = (
    (outlook_desktop, 34), (outlook_web, 18), (outlook_phone, 20), (apple_private, 18), (apple_plain, 4),
    (outlook_proxied, 4), (thunderbird, 2),
)  # fmt: skip
_ELSEWHERE: Kinds = (
    (apple_private, 28), (outlook_desktop, 16), (thunderbird, 12), (yahoo, 10), (outlook_proxied, 12), (gmail, 6),
    (outlook_web, 6), (apple_plain, 5), (outlook_phone, 5),
)  # fmt: skip
"""Which programs people read with, by what stands before the mailbox. Litmus' shares (Apple 58, Gmail 30, Outlook 4 %
of opens) are of consumers, and most of Apple's are prefetches; for offices these are assumed."""

_KINDS: dict[str | None, Kinds] = {
    None: _ELSEWHERE,
    GOOGLE: _AT_GOOGLE,
    YAHOO: ((yahoo, 70), (apple_private, 25), (apple_plain, 5)),
    ICLOUD: ((apple_private, 88), (apple_plain, 12)),
}
"""Elsewhere it is an office."""


def person_behind(random: Random, gateway: str | None, *, without_apple: bool = False) -> Person:
    """A person whose mailbox is behind this gateway. Apple's protected readers have scenarios of their own."""
    kinds = _KINDS.get(gateway, _AT_OFFICES)
    makers = [(make, share) for make, share in kinds if not (without_apple and make is apple_private)]
    return random.choices([make for make, _ in makers], [share for _, share in makers])[0](random)


def prefetch(draft: Draft, person: Person, recipient: int, before: int | None = None) -> bool:
    """Mail Privacy Protection loads the image by itself: minutes to hours after delivery, when the device is awake and
    on Wi-Fi; every third time for a second device as well. Whether it did so `before` then. Sources: Mailgun,
    wordtothewise; the delays are assumed: median 12 minutes, one in ten within 70 s.
    """
    random, fetched = draft.random, False
    for device in range(1 + (random.random() < 0.33)):
        at = draft.delivered[recipient] + int(lognormal(random, 12 * MINUTE, 1.8, 15 * SECOND, DAY))
        if before is None or at < before:
            source = person.reader if device == 0 else Source(address_in(random, "apple-relay"), person.reader.headers)
            draft.request(at, source, "machine", recipient, unknowable=True, elsewhere=_others(draft, person))
            fetched = True
    return fetched


def open_mail(draft: Draft, person: Person, recipient: int, at: int) -> None:
    """The person looks at the mail: one request, where the program shows it."""
    draft.read.add(recipient)
    if draft.random.random() < person.loads:
        draft.request(at, person.reader, "person", recipient, unknowable=person.apple, elsewhere=_others(draft, person))


def click(draft: Draft, person: Person, recipient: int, at: int, item: int) -> None:
    draft.read.add(recipient)
    draft.request(at, person.browser, "person", recipient, "click", item)


def interesting_links(draft: Draft, count: int) -> list[int]:
    """Which links a person follows: the earlier, the likelier. In any order but mostly the mail's."""
    left = draft.visible_links
    chosen: list[int] = []
    while left and len(chosen) < count:
        link = draft.random.choices(left, [1 / (1 + place) for place in range(len(left))])[0]
        left.remove(link)
        chosen.append(link)
    return chosen if draft.random.random() < 0.3 else sorted(chosen)


def how_many_clicks(random: Random) -> int:
    """Number of links that a clicking person follows: mostly one. Assumed; the field says one, perhaps two."""
    return random.choices((1, 2, 3, 4, 5), (76, 15, 5, 2, 2))[0]


def read_mail(draft: Draft, person: Person, recipient: int, at: int | None = None, clicks: int | None = None) -> int:
    """A first look, perhaps clicks, perhaps later looks. Returns when the first click, or else the look, was."""
    random = draft.random
    at = draft.delivered[recipient] + until_read(random) if at is None else at
    if person.apple and prefetch(draft, person, recipient, before=at):
        person.loads = 0.15  # what was prefetched is rarely loaded again
    open_mail(draft, person, recipient, at)
    if clicks is None:
        clicks = how_many_clicks(random) if random.random() < CLICKS else 0
    first = now = at + until_click(random) if clicks and draft.visible_links else at
    for item in interesting_links(draft, clicks):
        click(draft, person, recipient, now, item)
        if random.random() < 0.05:  # an impatient second click
            click(draft, person, recipient, now + int(lognormal(random, 350, 0.5, 90, 1500)), item)
        now += between_clicks(random)
        person.move(random)
    look_again(draft, person, recipient, now)
    return first


def look_again(draft: Draft, person: Person, recipient: int, after: int, chance: float = 0.35) -> None:
    """Later looks: each as likely as the one before. Some come seconds later: a preview pane, then the mail."""
    random = draft.random
    now = after
    while random.random() < chance:
        now += int(lognormal(random, 2 * HOUR, 2.2, 4000, 20 * DAY))
        person.move(random)
        if random.random() < person.again:
            if person.proxied and not person.apple:
                person.reader = Source(near(random, person.reader.address), person.reader.headers)
            open_mail(draft, person, recipient, now)
        if draft.visible_links and random.random() < 0.1:
            click(draft, person, recipient, now + until_click(random), interesting_links(draft, 1)[0])


def _any_browser(random: Random) -> Source:
    draw = random.random()
    if draw < 0.55:
        place = random.choices(("office", "home", "web-gateway"), (45, 50, 5))[0]
        return Source(address_in(random, place), browser_headers(random, agents.desktop_browser(random)))
    agent = agents.android_chrome(random) if draw < 0.8 else agents.iphone_safari(random)
    return Source(address_in(random, random.choice(("mobile", "mobile", "home"))), browser_headers(random, agent))


def _others(draft: Draft, person: Person) -> int:
    """Number of other messages that the same source asks for at the same time. A proxy fetches for other people of a
    campaign as well; a thread shows earlier messages, with their images. Assumed: 8 and 3 %."""
    together = 0.08 if draft.in_campaign and person.proxied else 0.03
    return draft.random.choice((1, 1, 2)) if draft.random.random() < together else 0


def soon(random: Random) -> int:
    """Milliseconds to a look in the same minutes as others look: a meeting, a forward that was announced."""
    return int(lognormal(random, 8 * MINUTE, 1.3, 5000, 6 * HOUR))
