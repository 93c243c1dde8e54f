"""Measure the work for each message: rewriting its links, and composing it as MIME."""

import re
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from bench.storage import ORGANIZATION, Mail
from lib.mime.parts import Mailbox, MailHead
from lib.mime.write import compose
from lib.rewrite import Rewritten, rewrite
from lib.tokens import Claim, KeyRing, Purpose

BYTES = 50 * 1024
LINKS = 40
HOSTILE_BYTES = 1_000_000
HOSTILE = ("<a ", '<a href="', "<!--", "<style>", "<svg><![CDATA[", "<a href=https://example.com/>", "&")
"""Pieces that are repeated up to HOSTILE_BYTES: what never ends, or looks as if it were worth reading twice."""

_PLACEHOLDER = re.compile(r'href="(?:#|http://)?"')
_OWN = "https://mail.example.com"
_SECONDS = 0.3
"""How long each of them is repeated."""

_PARAGRAPH = (
    '<tr><td style="padding:12px 24px;font-family:Arial,Helvetica,sans-serif;font-size:15px;line-height:22px">'
    "Dear Ms Lovelace, the offer that we spoke of on Monday is ready, and so is the plan for the weeks after it. "
    "Whatever is still open between us, we can go through on the phone; a short answer with a time is enough."
    "</td></tr>\n"
)


@dataclass(frozen=True, slots=True)
class Timing:
    """Time for one message, in milliseconds: median and 95th percentile."""

    name: str
    size: int
    links: int
    median: float
    slow: float


class _Message:
    """One message's own tokens, made as when it is prepared to go out."""

    def __init__(self) -> None:
        mail = Mail()
        self._ring = KeyRing.parse(mail.key)
        self._id = mail.ids[0]

    def rewrite(self, html: str) -> Rewritten:
        pixel = self._ring.mint(Purpose.OPEN, Claim(ORGANIZATION, self._id, 0))
        return rewrite(html, None, mint=self._mint, pixel=f"{_OWN}/o/{pixel}.gif", own=_OWN)

    def _mint(self, link: int, destination: str) -> str:
        return f"{_OWN}/c/{self._ring.mint(Purpose.CLICK, Claim(ORGANIZATION, self._id, 0, link, destination))}"


def measure_mail(templates: Path) -> list[Timing]:
    """Time the generated mail, composing it, every template in the folder, and hostile input."""
    return [_report(timing) for timing in _timings(templates)]


def generated_mail() -> str:
    """A mail in tables, as newsletters are, with LINKS links, about BYTES long."""
    links = [_link(number) for number in range(LINKS)]
    head = '<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title>Our offer</title></head>\n<body><table>\n'
    tail = "</table></body></html>\n"
    paragraphs = (BYTES - len(head) - len(tail) - sum(map(len, links))) // len(_PARAGRAPH)
    rows = [_PARAGRAPH * (paragraphs * (number + 1) // LINKS - paragraphs * number // LINKS) for number in range(LINKS)]
    return head + "".join(row + link for row, link in zip(rows, links, strict=True)) + tail


def _link(number: int) -> str:
    address = f"https://www.example.com/offers/{number}?utm_source=newsletter&amp;utm_medium=email&amp;item={number}"
    style = "color:#ffffff;background:#0b5cab;padding:10px 18px;text-decoration:none"
    return f'<tr><td align="center"><a href="{address}" target="_blank" style="{style}">Offer {number}</a></td></tr>\n'


def _timings(templates: Path) -> Iterator[Timing]:
    message = _Message()
    html = generated_mail()
    yield _time("generated mail: rewrite", html, lambda: message.rewrite(html))
    yield _time_compose(message.rewrite(html), html)
    for path in sorted(templates.glob("*.html")):
        source = _with_addresses(path.read_text(encoding="utf-8"))
        yield _time(path.name, source, lambda source=source: message.rewrite(source))  # type: ignore[misc]
    for piece in HOSTILE:
        source = piece * (HOSTILE_BYTES // len(piece))
        yield _time(f"`{piece}` over and over", source, lambda source=source: message.rewrite(source))  # type: ignore[misc]


def _with_addresses(template: str) -> str:
    """The template with an address of its own in every link that has only a placeholder."""
    numbers = count()
    return _PLACEHOLDER.sub(lambda _: f'href="https://www.example.com/pages/{next(numbers)}?source=mail"', template)


def _time_compose(rewritten: Rewritten, html: str) -> Timing:
    sender, recipient = Mailbox("Rita Rep", "rita@example.com"), Mailbox("Ada Lovelace", "ada@example.com")
    head = MailHead(sender, "Our offer for you", "<0123456789abcdef@example.com>", datetime.now(UTC), [recipient])

    def work() -> Rewritten:
        compose(head, rewritten.html, rewritten.text)
        return rewritten

    return _time("generated mail: compose", html, work)


def _time(name: str, source: str, work: Callable[[], Rewritten]) -> Timing:
    links = len(work().links)
    taken: list[float] = []
    until = time.perf_counter() + _SECONDS
    while not taken or time.perf_counter() < until:
        began = time.perf_counter()
        work()
        taken.append((time.perf_counter() - began) * 1000)
    taken.sort()
    return Timing(name, len(source.encode()), links, statistics.median(taken), taken[len(taken) * 95 // 100])


def _report(timing: Timing) -> Timing:
    print(f"{timing.name:<45} {timing.size:9,} bytes {timing.links:6,} links {timing.median:8.2f} ms", flush=True)
    return timing
