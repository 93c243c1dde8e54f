"""Repeats: facts that belong to one that is counted already, as images of one reading and requests of one download.

A mail program loads the pixel and the images of a mail together, and that is one open. A download may ask for its file
several times: once to see what it is, in pieces, after a break. So such facts are not judged, and not counted,
by themselves: each shares the verdict of the one that it belongs to.

Pure, and the same for the same facts in whatever order they come. But for pieces, it depends on the minute around a
fact alone, and so is the same when the oldest facts are no longer looked at.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from lib.tracking.facts import FIRST_IMAGE, Fact
from lib.verdicts.evidence import Reason, Verdict
from lib.verdicts.thresholds import MINUTE

WITHIN = MINUTE
"""Milliseconds between two requests of one reading, or of one download."""

_SAME_READING = Reason("same-reading", "It belongs to an open that is counted already.")
_SAME_DOWNLOAD = Reason("same-download", "It belongs to a download that is counted already.")

# RFC 9110, 14.2. What is no such header is passed over by servers, and here.
_LATER_PIECE = re.compile(r"bytes\s*=\s*(?:0*[1-9][0-9]*\s*-|-).*", re.IGNORECASE)


def repeats(facts: Iterable[Fact]) -> dict[str, str | None]:
    """The keys of facts that are not counted, each with the key of the one that it belongs to.

    That is None for a piece of a download whose beginning is not among the facts.
    """
    facts = list(facts)
    if not any(_may_repeat(fact) for fact in facts):
        return {}
    opens: dict[object, list[Fact]] = defaultdict(list)
    views: dict[object, list[Fact]] = defaultdict(list)
    for fact in sorted(facts, key=lambda fact: fact.key):
        if fact.kind == "open":
            # Not by the network: image proxies load each image from another one.
            opens[fact.recipient, fact.agent, fact.method == "HEAD"].append(fact)
        elif fact.kind == "attachment_view":
            views[fact.recipient, fact.item].append(fact)
    found: dict[str, str | None] = {}
    for group in opens.values():
        found.update(_images(group))
    for group in views.values():
        found.update(_downloads(group))
    return found


def _may_repeat(fact: Fact) -> bool:
    """Whether it is an image or a view of an attachment: of other facts each one is counted."""
    return fact.kind != "click" and (fact.item >= FIRST_IMAGE or fact.kind == "attachment_view")


def as_repeat(verdict: Verdict, fact: Fact) -> Verdict:
    """The verdict on a fact that belongs to another, which has this one."""
    reason = _SAME_READING if fact.kind == "open" else _SAME_DOWNLOAD
    return verdict._replace(reasons=(reason, *verdict.reasons))


def is_repeat(verdict: Verdict) -> bool:
    """Whether the fact with this verdict belongs to another."""
    return bool(verdict.reasons) and verdict.reasons[0].code in (_SAME_READING.code, _SAME_DOWNLOAD.code)


def _images(opens: Sequence[Fact]) -> dict[str, str | None]:
    """Images beside a pixel are part of its open; without one, the first image stands for those that follow it.

    A pixel is part of nothing: each open that has one counts.
    """
    found: dict[str, str | None] = {}
    pixels = [fact for fact in opens if fact.item < FIRST_IMAGE]
    place = 0
    before: Fact | None = None
    for image in (fact for fact in opens if fact.item >= FIRST_IMAGE):
        while place < len(pixels) and pixels[place].at < image.at - WITHIN:
            place += 1
        if place < len(pixels) and pixels[place].at <= image.at + WITHIN:
            found[image.key] = pixels[place].key
        elif before is not None and image.at - before.at <= WITHIN:
            found[image.key] = found.get(before.key, before.key)
        before = image
    return found


def _downloads(views: Sequence[Fact]) -> dict[str, str | None]:
    """Find repeats among the views of one attachment by one recipient's link."""
    found: dict[str, str | None] = {}
    latest: dict[object, Fact] = {}
    beginning: Fact | None = None
    for view in views:
        source = view.network, view.agent, view.method == "HEAD"
        before = latest.get(source)
        if _LATER_PIECE.fullmatch(view.headers.get("range", "")):
            # Resumed at another place, perhaps: then it is what was begun last that goes on.
            whole = before or beginning
            found[view.key] = None if whole is None else found.get(whole.key, whole.key)
            if before is None:
                continue
        elif before is not None and view.at - before.at <= WITHIN:
            found[view.key] = found.get(before.key, before.key)
        else:
            beginning = view
        latest[source] = view
    return found
