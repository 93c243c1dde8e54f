"""Codes of countries and subdivisions for names that people type: `Germany`, `de`, `Deutschland`; `Bavaria`, `BY`."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from lib.send_time.names import folded

_ARTICLE = re.compile(r"^the | the$")
"""As in `The Gambia` and `Gambia, The`."""

_SAINT = re.compile(r"^st ")
_CATALOGUE = Path(__file__).with_name("countries.tsv")

_US_STATES = (
    "005 NY 006 PR 008 VI 009 PR 010 MA 028 RI 030 NH 039 ME 050 VT 055 MA 056 VT 060 CT 070 NJ 090 - 100 NY 150 PA "
    "197 DE 200 DC 201 VA 202 DC 206 MD 220 VA 247 WV 270 NC 290 SC 300 GA 320 FL 340 - 341 FL 350 AL 370 TN 386 MS "
    "398 GA 400 KY 430 OH 460 IN 480 MI 500 IA 530 WI 550 MN 569 DC 570 SD 580 ND 590 MT 600 IL 630 MO 660 KS 680 NE "
    "700 LA 716 AR 730 OK 733 TX 734 OK 750 TX 800 CO 820 WY 832 ID 840 UT 850 AZ 870 NM 885 TX 889 NV 900 CA 962 - "
    "967 HI 969 GU 970 OR 980 WA 995 AK"
)
"""The first three digits of the ZIP codes with which each state begins; `-` is the armed forces (USPS, Domestic Mail
Manual, labeling list L002)."""

_CANADIAN_PROVINCES = {
    "A": "NL",
    "B": "NS",
    "C": "PE",
    "E": "NB",
    "G": "QC",
    "H": "QC",
    "J": "QC",
    "K": "ON",
    "L": "ON",
    "M": "ON",
    "N": "ON",
    "P": "ON",
    "R": "MB",
    "S": "SK",
    "T": "AB",
    "V": "BC",
    "Y": "YT",
}
"""Provinces by the first letter of the postal code (Canada Post). Two territories share X."""

_AUSTRALIAN_STATES = {"2": "NSW", "3": "VIC", "4": "QLD", "5": "SA", "6": "WA", "7": "TAS", "08": "NT", "09": "NT"}
"""States by the beginning of the postcode (Australia Post). The capital, in the 2000s, keeps the time of NSW."""


@lru_cache(1)
def _countries() -> dict[str, tuple[str, str]]:
    """Folded name -> (code, name)."""
    rows = (line.split("\t") for line in _CATALOGUE.read_text(encoding="utf-8").splitlines() if line)
    return {spelling: (code, name) for code, name, names in rows for spelling in names.strip("|").split("|")}


def country_code(text: str | None) -> str | None:
    """The two letters of ISO 3166-1 for a country's name or code; None if it is not known."""
    name = folded(text or "")
    found = _countries().get(name) or _countries().get(_ARTICLE.sub("", _SAINT.sub("saint ", name)))
    return found[0] if found else None


def country_name(code: str) -> str:
    """The country's name in English; the code itself if there is none."""
    return _countries().get(code.lower(), (code, code))[1]


def subdivision_code(country: str, region: str | None, postal_code: str | None = None) -> str | None:
    """The code of ISO 3166-2 after the hyphen, for a region's name or code, else for the postal code; None if unknown.

    Postal codes are used in the USA, Canada and Australia, where they decide the time zone.
    """
    return _subdivisions(country).get(folded(region or "")) or _by_postal_code(country, postal_code or "")


@lru_cache(64)
def _subdivisions(country: str) -> dict[str, str]:
    """Folded name or code -> code, as `holidays` has them."""
    from holidays import country_holidays

    try:
        calendar = country_holidays(country)
    except NotImplementedError:
        return {}
    names = {**{code: code for code in calendar.subdivisions}, **calendar.subdivisions_aliases}
    return {folded(name): code for name, code in names.items()}


def _by_postal_code(country: str, postal_code: str) -> str | None:
    code = postal_code.strip().upper()
    if country == "US" and re.match(r"\d{5}(\D|$)", code):
        return _us_state(code[:3])
    if country == "CA":
        return _CANADIAN_PROVINCES.get(code[:1])
    if country == "AU" and re.fullmatch(r"\d{4}", code):
        return _AUSTRALIAN_STATES.get(code[:1]) or _AUSTRALIAN_STATES.get(code[:2])
    return None


def _us_state(prefix: str) -> str | None:
    words = _US_STATES.split()
    states = [state for first, state in zip(words[::2], words[1::2], strict=True) if first <= prefix]
    return states[-1] if states and states[-1] != "-" else None
