"""Events of the API's timeline, as pages of the console show them."""

from __future__ import annotations

from collections.abc import Mapping

from functions.shapes.timeline import DeviceRead, Event
from lib.console.happenings import Because, Happening
from lib.verdicts.rules.own_side import OWN

_LONGEST_LINK = 60
"""Characters of a link's address that a page shows."""


def happening_of(event: Event, names: Mapping[str, str], user: str) -> Happening:
    """Make of an event what a page shows. `names` are those of recipients, by address; `user` is the reader's id."""
    verdict = event.verdict
    return Happening(
        id=event.id,
        kind=event.kind,
        at=event.at,
        verdict=verdict.class_,
        confidence=verdict.confidence,
        count=event.count,
        who=(names.get(event.recipient) or event.recipient) if event.recipient else None,
        thing=event.attachment or _shortened(event.url),
        device=_device(event.device),
        place=event.place.owner if event.place else "",
        is_own=any(each.code in OWN for each in verdict.reasons) and verdict.class_ == "machine",
        mail=event.mail,
        said=next((each.was for each in event.feedback if each.user == user), None),
        was=verdict.was,
        reasons=tuple(Because(each.text, each.code, each.weight) for each in verdict.reasons),
        rules=verdict.rules,
    )


def _shortened(url: str | None) -> str | None:
    if url is None:
        return None
    plain = url.removeprefix("https://").removeprefix("http://").removesuffix("/")
    return plain if len(plain) <= _LONGEST_LINK else f"{plain[:_LONGEST_LINK]}…"


def _device(device: DeviceRead) -> str:
    return ", ".join(part for part in (device.type, device.os, device.client) if part)
