"""Countries and their parts, as people write them into a CRM: `Germany`, `de`, `Deutschland`; `Bavaria`, `BY`."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from lib.send_time.names import folded

_CATALOGUE = Path(__file__).with_name("countries.tsv")

_US_STATES = (
    "005 NY 006 PR 008 VI 009 PR 010 MA 028 RI 030 NH 039 ME 050 VT 055 MA 056 VT 060 CT 070 NJ 090 - 100 NY 150 PA "
    "197 DE 200 DC 201 VA 202 DC 206 MD 220 VA 247 WV 270 NC 290 SC 300 GA 320 FL 340 - 341 FL 350 AL 370 TN 386 MS "
    "398 GA 400 KY 430 OH 460 IN 480 MI 500 IA 530 WI 550 MN 569 DC 570 SD 580 ND 590 MT 600 IL 630 MO 660 KS 680 NE "
    "700 LA 716 AR 730 OK 733 TX 734 OK 750 TX 800 CO 820 WY 832 ID 840 UT 850 AZ 870 NM 885 TX 889 NV 900 CA 962 - "
    "967 HI 969 GU 970 OR 980 WA 995 AK"
)
"""The first three digits of a ZIP code from which each state begins; `-` is the forces' (USPS, Domestic Mail Manual,
labeling list L002)."""

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
"""By the first letter of the postal code (Canada Post); X is shared by Nunavut and the Northwest Territories."""

_AUSTRALIAN_STATES = {"2": "NSW", "3": "VIC", "4": "QLD", "5": "SA", "6": "WA", "7": "TAS", "08": "NT", "09": "NT"}
"""By how the postcode begins (Australia Post). The capital's, within the 2000s, keep the time of New South Wales."""


@lru_cache(1)
def _countries() -> dict[str, tuple[str, str]]:
    """Folded name -> (code, name)."""
    rows = (line.split("\t") for line in _CATALOGUE.read_text(encoding="utf-8").splitlines() if line)
    return {spelling: (code, name) for code, name, names in rows for spelling in names.strip("|").split("|")}


def country_code(text: str | None) -> str | None:
    """ISO 3166-1's two letters for a country's name or code; None where it is not known."""
    found = _countries().get(folded(text or ""))
    return found[0] if found else None


def country_name(code: str) -> str:
    """In English; the code itself where there is none."""
    return _countries().get(code.lower(), (code, code))[1]


@lru_cache(1)
def _countries_of_zones() -> dict[str, str]:
    """`zone.tab` of the IANA database names one country for each zone."""
    table = files("tzdata").joinpath("zoneinfo/zone.tab").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in table.splitlines() if line and not line.startswith("#"))
    return {row[2]: row[0] for row in rows}


def country_of_zone(zone: str) -> str | None:
    """The country that a zone of the IANA database belongs to; None for zones of no country, such as UTC."""
    return _countries_of_zones().get(zone)


def subdivision_code(country: str, region: str | None, postal_code: str | None = None) -> str | None:
    """ISO 3166-2's code, without the country's, of a region by name or code, or else by the postal code.

    None where neither says it. Postal codes speak in the USA, Canada and Australia, where they decide the time zone.
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
