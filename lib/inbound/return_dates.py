"""The day on which the writer of an auto-reply is back, by what its subject and its text say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from lib.mime.received import ReceivedMail

_LONGEST_TEXT = 3_000
LONGEST_ABSENCE = timedelta(days=366)
_LONGEST_WITHOUT_YEAR = timedelta(days=183)
"""A day without a year is in the coming half of a year; else it may be one that is over."""

_REACH = 60
"""Characters between a word for coming back and the day."""

_MONTHS = (
    "jan(?:uary|uar|uari|vier|\\.)?|janv\\.?|enero|ene\\.?|gennaio|genn?\\.?|janeiro|jänner",
    "feb(?:ruary|ruar|ruari|\\.)?|février|fevrier|févr?\\.?|febrero|febbraio|fevereiro|fev\\.?",
    "mar(?:ch|zo|ço|\\.)?|märz|mrz\\.?|mars|maart|mrt\\.?",
    "apr(?:il|ile|\\.)?|avril|avr\\.?|abril|abr\\.?",
    "may|mai|maj|mayo|maggio|magg?\\.?|mei|maio",
    "jun(?:e|i|io|\\.)?|juin|giugno|giu\\.?|junho",
    "jul(?:y|i|io|\\.)?|juillet|juil\\.?|luglio|lug\\.?|julho",
    "aug(?:ust|ustus|usti|\\.)?|août|aout|agosto|ago\\.?",
    "sep(?:tember|t|tembre|tiembre|\\.)?|sept\\.|settembre|sett?\\.?|setembro|set\\.?",
    "o[ck]t(?:ober|obre|ubre|\\.)?|ottobre|ott\\.?|outubro|out\\.",
    "nov(?:ember|embre|iembre|embro|\\.)?",
    "de[cz](?:ember|embre|embro|\\.)?|décembre|déc\\.?|diciembre|dic\\.?|dicembre",
)
_WEEKDAYS = (
    "monday|montag|måndag|mandag|lundi|lunes|lunedì|lunedi|maandag|segunda",
    "tuesday|dienstag|tisdag|tirsdag|mardi|martes|martedì|martedi|dinsdag|terça",
    "wednesday|mittwoch|onsdag|mercredi|miércoles|miercoles|mercoledì|mercoledi|woensdag|quarta",
    "thursday|donnerstag|torsdag|jeudi|jueves|giovedì|giovedi|donderdag|quinta",
    "friday|freitag|fredag|vendredi|viernes|venerdì|venerdi|vrijdag|sexta",
    "saturday|samstag|lördag|lørdag|sonnabend|samedi|sábado|sabato|zaterdag",
    "sunday|sonntag|söndag|søndag|dimanche|domingo|domenica|zondag",
)
_MONTH = "|".join(_MONTHS)
_DATE = re.compile(
    rf"(?<![\w.])(?<!\d )(?:"
    rf"(?P<iso>\d{{4}})-(?P<iso_month>\d{{1,2}})-(?P<iso_day>\d{{1,2}})"
    rf"|(?P<day>\d{{1,2}})(?P<mark>[./])[ ]?(?P<month>\d{{1,2}})(?:(?P=mark)(?:[ ]?(?P<year>\d{{4}}|\d\d(?!\d)))?)?"
    rf"|(?P<named_day>\d{{1,2}})(?:st|nd|rd|th|er|º|°|\.)?(?: (?:of|de|di))? ?(?P<name>{_MONTH})"
    r"(?:,? (?:de )?(?P<named_year>\d{4}))?"
    rf"|(?P<first_name>{_MONTH}) (?P<last_day>\d{{1,2}})(?:st|nd|rd|th)?"
    r"(?: ?[-–—] ?(?P<range_end>\d{1,2})(?:st|nd|rd|th)?)?(?:,? (?P<last_year>\d{4}))?"
    rf")(?!\w)",
    re.IGNORECASE,
)
_WEEKDAY = re.compile(rf"\b(?:{'|'.join(_WEEKDAYS)})\b", re.IGNORECASE)
_BACK = re.compile(
    r"\b(?:back|return(?:ing|s)?|again (?:on|from)|resume|(?:avail|reach)able (?:on|from)|"
    r"zurück|wieder|ab(?: dem)?|rückkehr|erreichbar|retour|reviens|reviendrai|à partir du|"
    r"vuelvo|vuelta|regres(?:o|aré|are)|a partir del|reincorpor\w{0,6}|rientr(?:o|erò|ero)|torn(?:o|erò|ero)|"
    r"di ritorno|tillbaka|tilbake|tilbage|terug|vanaf|aanwezig|volto|retorn(?:o|arei)|de volta)\b",
    re.IGNORECASE,
)
_UNTIL = re.compile(
    r"\b(?:until|till|through|thru|bis(?: zum| einschließlich)?|jusqu['’](?:au|à)|hasta(?: el)?|fino al|"
    r"tot(?: en met)?|até|till och med|til og med|tills|indtil|frem til)\b",
    re.IGNORECASE,
)
_BACK_AFTER = re.compile(
    r"\W{0,3}(?:\w+ ){0,3}(?:zurück|wieder|tillbaka|tilbake|tilbage|terug|back|erreichbar|aanwezig)\b", re.IGNORECASE
)
_LAST_DAY_AWAY = re.compile(
    r"\b(?:through|thru|einschließlich|inclusive|y compris|inclus|incluido|inclusief|compreso|tot en met|"
    r"till och med|til og med|including)\b",
    re.IGNORECASE,
)
_RANGE = re.compile(
    r"(?: ?[-–—] ?|\b(?:to|bis(?: zum)?|au|al|tot(?: en met)?|até|through|thru)(?: the| el)? {0,2})\Z",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<!\d)(?<!\bd)[.!?](?=\s)|\n\s*\n")
"""The end of a sentence; none stands behind a number, nor in Danish `d. 12. maj`."""


class _Found(NamedTuple):
    day: date
    start: int
    """Place in the text, and the place after it."""
    end: int
    ends_range: bool


def return_date(mail: ReceivedMail, text: str) -> datetime | None:
    """Return the day at 0:00 UTC; None where none is named that is after the mail's own date and within a year.

    A day of digits alone that may be two days, such as 05/06, is not guessed.
    """
    if mail.date is None:
        return None
    words = f"{mail.subject}\n\n{text[:_LONGEST_TEXT]}"
    sent = mail.date.date()
    found = list(_dates(words, sent))
    chosen = (
        next((each for each in found if _follows(_BACK, words, each)), None)
        or next((each for each in found if _follows(_UNTIL, words, each)), None)
        or next((each for each in found if _ends_range(words, each)), None)
    )
    day = chosen.day if chosen else _weekday(words, sent)
    if chosen and _LAST_DAY_AWAY.search(words, _place_before(chosen, found), chosen.end + 20):
        day = chosen.day + timedelta(days=1)
    return datetime(day.year, day.month, day.day, tzinfo=UTC) if day else None


def _place_before(chosen: _Found, found: list[_Found]) -> int:
    """Return where the words about a day begin: not before the end of another day."""
    return max(0, chosen.start - _REACH, *(each.end for each in found if each.end <= chosen.start))


def _dates(words: str, sent: date) -> Iterator[_Found]:
    for match in _DATE.finditer(words):
        days = [day for day in _readings(match, sent) if sent < day <= sent + LONGEST_ABSENCE]
        if len(days) == 1:
            yield _Found(days[0], match.start(), match.end(), match["range_end"] is not None)


def _readings(match: re.Match[str], sent: date) -> Iterator[date]:
    """Yield the days that a date may be."""
    if match["iso"]:
        yield from _days(match["iso"], int(match["iso_month"]), match["iso_day"], sent)
    elif match["day"]:
        yield from _days(match["year"], int(match["month"]), match["day"], sent)
        if match["mark"] == "/" and match["day"] != match["month"]:
            yield from _days(match["year"], int(match["day"]), match["month"], sent)
    elif match["name"]:
        yield from _days(match["named_year"], _month(match["name"]), match["named_day"], sent)
    else:
        day = match["range_end"] or match["last_day"]
        yield from _days(match["last_year"], _month(match["first_name"]), day, sent)


def _days(year: str | None, month: int, day: str, sent: date) -> Iterator[date]:
    years = (sent.year, sent.year + 1) if year is None else (int(year) + (2000 if len(year) == 2 else 0),)
    for each in years:
        try:
            found = date(each, month, int(day))
        except ValueError:
            continue
        if year is not None or sent < found <= sent + _LONGEST_WITHOUT_YEAR:
            yield found


def _month(name: str) -> int:
    return next(number for number, names in enumerate(_MONTHS, 1) if re.fullmatch(names, name, re.IGNORECASE))


def _follows(word: re.Pattern[str], words: str, found: _Found) -> bool:
    """Tell whether such a word stands before the day in the same sentence, or one for coming back soon after."""
    before = _SENTENCE.split(words[max(0, found.start - _REACH) : found.start])[-1]
    after = _SENTENCE.split(words[found.end : found.end + _REACH // 2])[0]
    return bool(word.search(before) or _BACK_AFTER.match(after))


def _ends_range(words: str, found: _Found) -> bool:
    """Tell whether the day ends a stretch of days, such as `July 10-31` or `4.5. - 12.5.`"""
    return found.ends_range or bool(_RANGE.search(words[max(0, found.start - 20) : found.start]))


def _weekday(words: str, sent: date) -> date | None:
    """Return the next such weekday after the mail, where it follows a word for coming back."""
    for match in _WEEKDAY.finditer(words):
        found = _Found(sent, match.start(), match.end(), False)
        if _follows(_BACK, words, found) or _follows(_UNTIL, words, found):
            number = next(n for n, names in enumerate(_WEEKDAYS) if re.fullmatch(names, match[0], re.IGNORECASE))
            return sent + timedelta(days=(number - sent.weekday() - 1) % 7 + 1)
    return None
