"""One sentence that says what became of a message, as a colleague would."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from lib.console.happenings import Happening
from lib.console.times import Times, counted
from lib.languages import enumerated
from lib.verdicts.kpis import Kpis
from lib.verdicts.thresholds import LIKELY

Tone = Literal["human", "unsure", "machine", "plain", "bad"]

_SURE = 0.95
"""How sure a verdict has to be for `read`; for `most likely read`, `LIKELY`."""

_READ = ("open", "read_receipt", "click", "attachment_view")
_TIMES = {1: "once", 2: "twice"}
_NOT_OPENED = "Many mail programs load no images, so a reply or a click is the only sure sign."


class Sentence(NamedTuple):
    """Sentence on what became of a message."""

    tone: Tone
    main: str
    rest: str = ""


def read_word(confidence: float) -> str:
    """Word a reading by how sure it is: 95 % and more `read`, 80 and more `most likely read`, else `may have read`."""
    return f"{_hedge(confidence)}read"


def _hedge(confidence: float) -> str:
    return "" if confidence >= _SURE else "most likely " if confidence >= LIKELY else "may have "


def sentence_of(happenings: Sequence[Happening], kpis: Kpis, recipients: Sequence[str], times: Times) -> Sentence:
    """Say what became of a message that was sent and followed.

    `happenings` are its events, newest first, as far as they are shown; `recipients` are their names.
    """
    people = [each for each in happenings if each.verdict == "human" and each.kind in _READ]
    replies = [each for each in happenings if each.kind in ("reply", "calendar_answer")]
    rest = _others(kpis)
    if replies:
        newest = replies[0]
        main = f"{_subject([newest], recipients)} answered {times.moment(newest.at)}."
        return Sentence("human", main, _joined(_read_too(people, kpis, times), rest))
    if kpis.opens or kpis.clicks or kpis.attachment_views:
        return Sentence("human", _reading(_subject(people, recipients), people, kpis, times), rest)
    bounces = [each for each in happenings if each.kind == "bounce"]
    if bounces and len(recipients) == 1:
        return Sentence("bad", f"It could not be delivered to {_subject(bounces[:1], recipients)}.", rest)
    if kpis.uncertain.opens or kpis.uncertain.clicks or kpis.uncertain.attachment_views:
        hits = _total(kpis, "uncertain")
        return Sentence("unsure", "It was perhaps opened.", _joined(_unsure(hits), _machines(kpis)))
    if _total(kpis, "machine") > _total(kpis, "own"):
        return Sentence("machine", "Only machines have looked at it so far.", _joined(rest, _NOT_OPENED))
    return Sentence("plain", "Not yet opened.", _joined(_NOT_OPENED, rest))


def _reading(who: str, people: Sequence[Happening], kpis: Kpis, times: Times) -> str:
    """Say who read, how often, when last, and what else was done."""
    opened = [each for each in people if each.kind in ("open", "read_receipt")]
    did = _deeds(people)
    if not kpis.opens:
        when = f" {times.moment(kpis.last_read_at)}" if kpis.last_read_at else ""
        deeds = [each.confidence for each in people if each.kind in ("click", "attachment_view")]
        so = "so the mail was read" if max(deeds, default=_SURE) >= _SURE else "so the mail was perhaps read"
        return f"{who} {did or 'followed a link'}{when}, {so}, although its images were not loaded."
    word = read_word(max((each.confidence for each in opened), default=LIKELY))
    often = _TIMES.get(kpis.opens, f"{kpis.opens:,} times")
    last = f", last {times.moment(kpis.last_opened_at)}" if kpis.last_opened_at else ""
    if kpis.opens == 1:
        last = f" {times.moment(kpis.last_opened_at)}" if kpis.last_opened_at else ""
        often = ""
    text = f"{who} {word} it{f' {often}' if often else ''}{last}"
    if not did:
        return f"{text}."
    return f"{text}{',' if kpis.opens > 1 else ''} and {did}."


def _read_too(people: Sequence[Happening], kpis: Kpis, times: Times) -> str:
    """Say of an answered mail how it was read; empty where that is not known."""
    if not (kpis.opens or kpis.clicks or kpis.attachment_views):
        return ""
    return _reading("They", people, kpis, times)


def _deeds(people: Sequence[Happening]) -> str:
    """Say what people clicked and viewed, as sure as the surest of each is: `clicked a link and viewed offer.pdf`."""
    clicks = [each for each in people if each.kind == "click"]
    views = [each for each in people if each.kind == "attachment_view"]
    parts = []
    if clicks:
        links = len({each.thing for each in clicks})
        parts.append(f"{_surest(clicks)}clicked {'a link' if links == 1 else f'{links} links'}")
    if views:
        [name, *others] = sorted({each.thing or "an attachment" for each in views})
        parts.append(f"{_surest(views)}viewed {f'{len(others) + 1} attachments' if others else name}")
    return " and ".join(parts)


def _surest(happenings: Sequence[Happening]) -> str:
    return _hedge(max(each.confidence for each in happenings))


def _subject(happenings: Sequence[Happening], recipients: Sequence[str]) -> str:
    """Name who it was: a name, `one of 3 recipients` where that is not known, never a guessed one."""
    names = list(dict.fromkeys(each.who for each in happenings if each.who))
    has_unknown = any(each.who is None for each in happenings) or not happenings
    if len(recipients) == 1:
        return recipients[0]
    if not names:
        return f"One of {len(recipients)} recipients" if recipients else "Somebody"
    if has_unknown or len(names) > 2:
        return enumerated([names[0], "others"])
    return enumerated(names)


def _others(kpis: Kpis) -> str:
    return _joined(_unsure(_total(kpis, "uncertain")), _machines(kpis))


def _unsure(hits: int) -> str:
    if not hits:
        return ""
    return f"Of {counted(hits, 'look')} it is not sure whether a person made {'it' if hits == 1 else 'them'}."


def _machines(kpis: Kpis) -> str:
    own = _total(kpis, "own")
    hits = _total(kpis, "machine") - own
    parts = []
    if hits:
        parts.append(f"{counted(hits, 'look')} came from machines, such as mail filters.")
    if own:
        parts.append(f"{counted(own, 'look')} of your own side {'is' if own == 1 else 'are'} not counted.")
    return " ".join(parts)


def _total(kpis: Kpis, group: Literal["machine", "uncertain", "own"]) -> int:
    counts = getattr(kpis, group)
    return int(counts.opens + counts.clicks + counts.attachment_views)


def _joined(*sentences: str) -> str:
    return " ".join(each for each in sentences if each)
