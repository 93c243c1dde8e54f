"""Names of people, read in the order in which a mail greets: "Lovelace, Ada" is Ada Lovelace.

The rule is careful: a comma turns a name round only where both sides look like parts of a person's name. A name that
looks like an organization's ("Acme, Inc.", "Landesamt fuer Umwelt, Abteilung Wasser") stays as it is and has no first
name: a greeting then falls back to the template's default. Titles are as many as countries have of them ("Ing.",
"MUDr.", "DI"), so that an abbreviation is never a first name. Names in Chinese, Japanese and Korean script keep the
family name in front.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_COMMAS = re.compile(r"[,，、،]")
_ASIDE = re.compile(r"(?P<name>[^()\[\]]*[^()\[\]\s])\s*(?P<aside>[(\[][^()\[\]]*[)\]])")
_WORD = re.compile(r"['’]?[^\W\d_](?:[^\W\d_]|[\u0300-\u036f.'’‘\-‐])*")
_FAMILY_FIRST = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TITLES = _words(
    "dr prof mr mrs ms miss mx sir dame lord lady rev herr frau fr familie family mag mme mlle me madame monsieur sra "
    "srta signor signora señor señora senhor senhora dott dra ir drs hr fru mevr mevrouw dhr meneer pan pani"
)
"""Titles that are written without a dot, too. A word such as `Ing.` is one by its dot."""

_SUFFIXES = _words("jr sr jnr snr phd esq")
_DEGREES = _words(
    "ii iii iv md ma mba mas ba bsc msc csc dis mphil dds dvm cpa cfa pmp llm llb rn pe bed med meng beng bcom mcom "
    "bfa mfa mpa mph jd ceo cto cfo coo cio",
)
"""Suffixes that are also names, or parts of them: these count only with a further capital (`MSc`) or with dots."""
_PARTICLES = _words(
    "van von der den de del della delle degli di da dal dos das do du des la le les el al bin ibn ben bint ter ten te "
    "zu zum zur vom af av st san santa op 't ’t y e i"
)
_JOINING = _words("y e i")
"""Particles inside a double surname, which no surname begins with."""

_ORGANIZATION = _words(
    "inc llc llp lp ltd limited gmbh mbh ag kg kgaa ohg gbr ug corp corporation co company sa sas sarl srl spa bv nv "
    "plc oy oyj ab as asa aps kft sro zrt se ev foundation stiftung university universität universitaet université "
    "universidad institut institute ministry abteilung department dept division referat sachgebiet team group gruppe "
    "holding bank office büro buero support sales vertrieb service info kundendienst buchhaltung accounting einkauf "
    "purchasing marketing sekretariat zentrale verwaltung partners brothers sons hospital school college council city "
    "stadt gemeinde and und et fuer für for of"
)
_ORGANIZATION_ENDS = ("amt", "ministerium", "gesellschaft", "verband", "verein", "kasse", "werke")


@dataclass(frozen=True, slots=True)
class PersonName:
    """A name as a mail greets; parts that are not known are empty."""

    full: str
    """The whole name, the first name in front."""
    first: str = ""
    last: str = ""


@dataclass(slots=True)
class _Parts:
    """Words of a name, sorted by what they are."""

    titles: list[str] = field(default_factory=list)
    first: list[str] = field(default_factory=list)
    last: list[str] = field(default_factory=list)
    suffixes: list[str] = field(default_factory=list)

    def full(self, family_first: bool, aside: str) -> str:
        names = [*self.last, *self.first] if family_first else [*self.first, *self.last]
        whole = ", ".join([" ".join([*self.titles, *names]), *self.suffixes])
        return f"{whole} {aside}".strip()


def read_person_name(text: str) -> PersonName:
    """Read the name of a person, written "First Last" or "Last, First"."""
    clean = _without_quotes(" ".join(text.split()))
    found = _ASIDE.fullmatch(clean)
    name, aside = (found["name"], found["aside"]) if found else (clean, "")
    sides = [side for side in (side.strip() for side in _COMMAS.split(name)) if side]
    if not sides or _is_organization(name):
        return PersonName(clean)
    suffixes = [side for side in sides[1:] if all(_is_suffix(word, name) for word in side.split())]
    others = [sides[0], *(side for side in sides[1:] if side not in suffixes)]
    if len(others) == 1:
        return _in_order(clean, others[0], has_suffix=bool(suffixes))
    return (len(others) == 2 and _turned(others[0], others[1], suffixes, name, aside)) or PersonName(clean)


def _without_quotes(text: str) -> str:
    return text[1:-1].strip() if len(text) > 2 and text[0] == text[-1] and text[0] in "\"'" else text


def _turned(last: str, first: str, suffixes: list[str], name: str, aside: str) -> PersonName | None:
    """Read "Last, First"; None where these do not look like a person's."""
    parts = _Parts(suffixes=[*suffixes])
    parts.last = _without_ends(last.split(), parts, name)
    parts.first = _without_ends(first.split(), parts, name)
    while len(parts.first) > 1 and parts.first[-1] in _PARTICLES:
        parts.last.insert(0, parts.first.pop())  # "Berg, Jan van der"
    most = 2 if name.islower() else 5
    if not (0 < len(parts.last) <= most and 0 < len(parts.first) <= most):
        return None
    any_case = name.islower()
    if not all(_is_name(word, any_case) or _plain(word) in _PARTICLES for word in parts.last):
        return None
    if not all(_is_name(word, any_case) for word in parts.first) or _plain(parts.last[-1]) in _JOINING:
        return None
    if _is_abbreviated(parts.first[0], name):
        return None
    full = parts.full(bool(_FAMILY_FIRST.search(name)), aside)
    called = parts.first[:1] if not parts.first[0].endswith(".") else parts.first
    return PersonName(full, " ".join(called), " ".join(parts.last))


def _in_order(clean: str, name: str, has_suffix: bool) -> PersonName:
    """Read "First Last". One word before a suffix is a last name: "Smith, Jr."."""
    parts = _Parts()
    words = _without_ends(name.split(), parts, name)
    if not words or not all(_is_name(word, True) for word in words):
        return PersonName(clean)
    if _FAMILY_FIRST.search(name):
        return PersonName(clean, " ".join(words[1:]), words[0]) if len(words) > 1 else PersonName(clean)
    if len(words) == 1:
        return PersonName(clean, last=words[0]) if parts.titles or has_suffix else PersonName(clean, first=words[0])
    if _is_abbreviated(words[0], name):
        return PersonName(clean)
    if words[0] in _PARTICLES and not name.islower():
        return PersonName(clean, last=" ".join(words))
    start = len(words) - 1
    while start > 1 and _plain(words[start - 1]) in _PARTICLES - _JOINING:
        start -= 1
    return PersonName(clean, words[0], " ".join(words[start:]))


def _without_ends(words: list[str], parts: _Parts, name: str) -> list[str]:
    """Move titles in front and suffixes at the end to where they belong; return the words between."""
    start, end = 0, len(words)
    while start < end - 1 and _is_title(words, start, name):
        start += 1
    while end > start + 1 and _is_suffix(words[end - 1], name):
        end -= 1
    parts.titles += words[:start]
    parts.suffixes += words[end:]
    return words[start:end]


def _is_title(words: list[str], place: int, name: str) -> bool:
    """Whether a word before others is a title. Of "DI Hans Huber" it is, of "HUBER Hans" it may be the last name."""
    word = words[place]
    if _plain(word) in _TITLES or _has_cut_part(word):
        return True
    if _plain(words[place + 1]) in _PARTICLES or len(words) - place < 3:
        return False
    return _is_abbreviated(word, name) or (word.islower() and not name.islower() and _plain(word) not in _PARTICLES)


def _is_abbreviated(word: str, name: str) -> bool:
    """Whether a word is no name as it stands: cut off by a dot, or in capitals among words that are not."""
    return _has_cut_part(word) or (len(word) > 1 and "." not in word and word.isupper() and not name.isupper())


def _has_cut_part(word: str) -> bool:
    """Whether a dot ends more than one letter, as in `Ing.` and `Dr.in`. Initials (`J.-P.`) have one letter each."""
    return any(len(part.strip("-‐")) > 1 for part in word.split(".")[:-1])


def _is_suffix(text: str, name: str) -> bool:
    plain = _plain(text)
    if plain in _SUFFIXES:
        return True
    inner_capital = any(sign.isupper() for sign in text[1:]) and not name.isupper()
    return plain in _DEGREES and ("." in text or inner_capital)


def _is_name(word: str, any_case: bool) -> bool:
    """Whether the word is made of letters, and begins like a name: not in lower case, but for such as d'Arc."""
    if not _WORD.fullmatch(word):
        return False
    return any_case or not word[0].islower() or (len(word) > 2 and word[1] in "'’" and word[2].isupper())


def _is_organization(name: str) -> bool:
    words = [*_plain_words(name)]
    return (
        any(sign.isdigit() or sign in "&@/+|:;" for sign in name)
        or any(word in _ORGANIZATION for word in words)
        or any(len(word) > len(end) and word.endswith(end) for word in words for end in _ORGANIZATION_ENDS)
    )


def _plain_words(name: str) -> Iterator[str]:
    for word in _COMMAS.sub(" ", name).split():
        yield _plain(word)


def _plain(word: str) -> str:
    return word.replace(".", "").lower()
