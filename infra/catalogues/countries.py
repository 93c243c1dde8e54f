"""Enter the names of countries that people write into a CRM into `lib/send_time/countries.tsv`.

    npm pack cldr-localenames-full && tar -xzf cldr-localenames-full-*.tgz
    python -m infra.catalogues.countries package/main

The names are those of Unicode's CLDR (Unicode License v3) in the languages of CRMs' users, and those of ISO 3166 that
CRMs bring along. The file has a row for each country, with GeoNames' name (https://www.geonames.org, CC BY 4.0).
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from lib.send_time.names import folded

_COUNTRIES = Path(__file__).parents[2] / "lib" / "send_time" / "countries.tsv"

_LANGUAGES = (
    "en", "de", "fr", "es", "it", "nl", "pt", "pt-PT", "pl", "cs", "sk", "hu", "ro", "bg", "hr", "sl", "sr", "da", "sv",
    "no", "fi", "et", "lv", "lt", "el", "tr", "ru", "uk", "ja", "zh", "zh-Hant", "ko", "ar", "he", "ca", "is",
)  # fmt: skip

_OTHER_NAMES = {
    "AE": ["UAE", "VAE"],
    "AT": ["Autriche"],
    "BN": ["Brunei Darussalam"],
    "BO": ["Bolivia, Plurinational State of"],
    "CD": ["Congo, The Democratic Republic of the", "Democratic Republic of the Congo", "DRC", "DR Congo"],
    "CG": ["Congo"],
    "CN": ["PRC", "People's Republic of China"],
    "FK": ["Falkland Islands (Malvinas)"],
    "FM": ["Micronesia, Federated States of"],
    "GB": [
        "UK", "Great Britain", "Britain", "England", "Scotland", "Wales", "Northern Ireland", "Großbritannien",
        "Grande-Bretagne", "Gran Bretaña", "Gran Bretagna",
        "United Kingdom of Great Britain and Northern Ireland",
    ],
    "HK": ["Hongkong", "Hong Kong SAR"],
    "IE": ["Éire", "Republic of Ireland"],
    "IR": ["Iran, Islamic Republic of"],
    "KP": ["Korea, Democratic People's Republic of", "DPRK"],
    "KR": ["Korea", "Korea, Republic of", "Republic of Korea"],
    "LA": ["Lao People's Democratic Republic", "Lao PDR"],
    "MD": ["Moldova, Republic of", "Republic of Moldova"],
    "MK": ["Macedonia", "Macedonia, the former Yugoslav Republic of"],
    "MM": ["Burma"],
    "MO": ["Macau"],
    "NL": ["Holland"],
    "PS": ["Palestine, State of", "State of Palestine"],
    "RU": ["Russian Federation"],
    "SY": ["Syrian Arab Republic"],
    "TR": ["Turkiye"],
    "TW": ["Taiwan, Province of China"],
    "TZ": ["Tanzania, United Republic of", "United Republic of Tanzania"],
    "US": ["United States of America", "America"],
    "VA": ["Holy See", "Holy See (Vatican City State)"],
    "VE": ["Venezuela, Bolivarian Republic of"],
    "VG": ["Virgin Islands, British"],
    "VI": ["Virgin Islands, U.S."],
    "VN": ["Viet Nam"],
}  # fmt: skip
"""Names that CLDR lacks: those of ISO 3166, old ones, and short ones."""


def enriched(rows: Iterable[str], translated: Mapping[str, Iterable[str]]) -> Iterator[str]:
    """Add names by code to rows (code, name, `|folded name|…|`). A new name of two countries is entered for none."""
    table = {code: (name, set(names.strip("|").split("|"))) for code, name, names in (row.split("\t") for row in rows)}
    taken = set[str]().union(*(names for _, names in table.values()))
    added = {
        code: {folded(each) for each in (*translated.get(code, ()), *_OTHER_NAMES.get(code, ()))} - {""} - taken
        for code in table
    }
    claims = Counter(name for names in added.values() for name in names)
    for code, (name, names) in table.items():
        names |= {each for each in added[code] if claims[each] == 1}
        yield f"{code}\t{name}\t|{'|'.join(sorted(names))}|"


def _translated(source: Path) -> dict[str, list[str]]:
    """Read the names by code from CLDR's folders, short and other ones included."""
    found: dict[str, list[str]] = {}
    for language in _LANGUAGES:
        document = json.loads((source / language / "territories.json").read_text(encoding="utf-8"))
        for key, name in document["main"][language]["localeDisplayNames"]["territories"].items():
            found.setdefault(key.partition("-")[0], []).append(name)
    return found


def main(source: Path) -> None:
    """Write the file anew, from itself and from CLDR's folder `main`."""
    rows = [row for row in _COUNTRIES.read_text(encoding="utf-8").splitlines() if row]
    _COUNTRIES.write_text("\n" + "\n".join(sorted(enriched(rows, _translated(source)))) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
