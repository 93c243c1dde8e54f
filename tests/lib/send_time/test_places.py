"""From records to places, with the real catalogues."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import available_timezones

import pytest

from infra.catalogues.cities import city_rows
from infra.catalogues.countries import enriched
from lib.people.records import Address
from lib.send_time.cities import cities_of
from lib.send_time.countries import country_code, subdivision_code
from lib.send_time.names import folded
from lib.send_time.places import Nowhere, Place, place_of

NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)


def place(time_zone: str | None = None, **address: str) -> Place:
    found = place_of(time_zone, Address(**address), NOW)
    assert isinstance(found, Place), found
    return found


def nowhere(**address: str) -> str:
    found = place_of(None, Address(**address), NOW)
    assert isinstance(found, Nowhere), found
    return found.because


def test_a_records_own_time_zone_goes_before_its_address() -> None:
    found = place("Asia/Kolkata", city="Vienna", country="AT")

    assert (found.zone, found.country, found.certainty) == ("Asia/Kolkata", "AT", 1.0)


@pytest.mark.parametrize(
    ("zone", "name", "country"),
    [
        ("America/New_York", "New York", "US"),
        ("Pacific/Pago_Pago", "Pago Pago", "AS"),
        ("UTC", "the time zone UTC", None),
        ("Etc/GMT+5", "the time zone Etc/GMT+5", None),
    ],
)
def test_a_zone_names_a_city_and_a_country(zone: str, name: str, country: str | None) -> None:
    found = place(zone)

    assert (found.name, found.country) == (name, country)


@pytest.mark.parametrize(
    ("zone", "country"),
    [
        ("Asia/Calcutta", "IN"),
        ("Asia/Katmandu", "NP"),
        ("Asia/Saigon", "VN"),
        ("Asia/Rangoon", "MM"),
        ("Asia/Tel_Aviv", "IL"),
        ("Europe/Kiev", "UA"),
        ("Europe/Belfast", "GB"),
        ("US/Eastern", "US"),
        ("US/Arizona", "US"),
        ("Canada/Eastern", "CA"),
        ("America/Montreal", "CA"),
        ("America/Buenos_Aires", "AR"),
        ("America/Indianapolis", "US"),
        ("America/Godthab", "GL"),
        ("Australia/ACT", "AU"),
        ("Africa/Asmera", "ER"),
        ("Brazil/East", "BR"),
        ("GB", "GB"),
        ("GB-Eire", "GB"),
        ("Japan", "JP"),
        ("Singapore", "SG"),
        ("PRC", "CN"),
        ("W-SU", "RU"),
        ("Iceland", "IS"),  # its time is that of Abidjan
        ("Europe/Oslo", "NO"),  # its time is that of Berlin
        ("CET", None),
        ("EST", None),
        ("EST5EDT", None),
        ("MET", None),
        ("GMT", None),
        ("Zulu", None),
        ("Etc/UCT", None),
        ("Atlantic/Jan_Mayen", None),  # its name does not say which of five countries it is
    ],
)
def test_a_zone_is_in_its_country_by_whatever_name(zone: str, country: str | None) -> None:
    assert place(zone).country == country


def test_hardly_a_zone_of_a_continent_is_without_its_country() -> None:
    places = [zone for zone in available_timezones() if "/" in zone and not zone.startswith(("Etc/", "SystemV/"))]

    assert len([zone for zone in places if place(zone).country is None]) < len(places) / 50


@pytest.mark.parametrize(
    ("city", "country", "zone"),
    [
        ("Wien", "Österreich", "Europe/Vienna"),
        ("Vienna", "AT", "Europe/Vienna"),
        ("VIENNA", "aut", "Europe/Vienna"),
        ("Sao Paulo", "Brasil", "America/Sao_Paulo"),
        ("東京", "Japan", "Asia/Tokyo"),
        ("St. John's", "Canada", "America/St_Johns"),
        ("Pago Pago", "American Samoa", "Pacific/Pago_Pago"),
        ("London", "Kiribati", "Pacific/Kiritimati"),
        ("Perth", "Australia", "Australia/Perth"),
    ],
)
def test_a_city_in_its_country_is_known_by_any_of_its_names(city: str, country: str, zone: str) -> None:
    assert place(city=city, country=country).zone == zone


def test_a_region_decides_between_cities_of_one_name() -> None:
    in_ohio = place(city="Springfield", region="Ohio", country="US")
    in_illinois = place(city="Springfield", region="IL")

    assert (in_ohio.zone, in_ohio.subdivision, in_ohio.certainty) == ("America/New_York", "OH", 0.95)
    assert (in_illinois.zone, in_illinois.subdivision) == ("America/Chicago", "IL")


def test_without_a_region_the_largest_city_is_meant_and_less_sure() -> None:
    springfield = place(city="Springfield", country="US")

    assert springfield.zone == "America/Chicago"
    assert springfield.subdivision is None
    assert springfield.certainty < 0.5


def test_a_city_without_a_country_is_less_sure() -> None:
    assert place(city="Toronto").zone == "America/Toronto"
    assert place(city="Toronto").certainty < place(city="Toronto", country="CA").certainty


def test_a_city_brings_the_part_of_the_country_whose_holidays_count() -> None:
    assert place(city="München", country="DE").subdivision == "BY"
    assert place(city="Glasgow", country="UK").subdivision == "SCT"


@pytest.mark.parametrize("country", ["Germany", "Argentina", "KZ", "India"])
def test_a_country_that_keeps_one_time_is_enough(country: str) -> None:
    assert place(country=country).certainty == pytest.approx(0.9, abs=0.001)


def test_a_country_where_nearly_everybody_keeps_one_time_is_enough_but_less_sure() -> None:
    spain = place(country="Spain")

    assert spain.zone == "Europe/Madrid"
    assert 0.8 < spain.certainty < 0.9


@pytest.mark.parametrize("country", ["US", "Australia", "Russia", "Brazil", "Kiribati"])
def test_a_country_of_several_time_zones_alone_is_not_enough(country: str) -> None:
    assert "several time zones" in nowhere(country=country)


def test_an_unknown_city_falls_back_to_its_country_where_that_keeps_one_time() -> None:
    assert place(city="Hintertupfing", country="AT").zone == "Europe/Vienna"
    assert "several time zones" in nowhere(city="Hintertupfing", country="US")


@pytest.mark.parametrize(
    ("address", "zone"),
    [
        ({"region": "California", "country": "US"}, "America/Los_Angeles"),
        ({"region": "WA", "country": "Australia"}, "Australia/Perth"),
        ({"region": "Québec", "country": "Canada"}, "America/Toronto"),
        ({"postal_code": "94105", "country": "US"}, "America/Los_Angeles"),
        ({"postal_code": "10001-1234", "country": "USA"}, "America/New_York"),
        ({"postal_code": "B3H 0A1", "country": "CA"}, "America/Halifax"),
        ({"postal_code": "0800", "country": "AU"}, "Australia/Darwin"),
    ],
)
def test_a_region_or_a_postal_code_is_enough_where_it_keeps_one_time(address: dict[str, str], zone: str) -> None:
    assert place(**address).zone == zone


def test_the_forces_zip_codes_are_of_no_state() -> None:
    assert subdivision_code("US", None, "09001") is None
    assert subdivision_code("US", None, "96201") is None


def test_an_unknown_place_is_named_in_the_answer() -> None:
    assert "Hintertupfing" in nowhere(city="Hintertupfing")
    assert "Atlantis" in nowhere(country="Atlantis")
    assert "neither a time zone nor an address" in nowhere()


@pytest.mark.parametrize("city", ["|", "...", "\\", "a|b", "x" * 200])
def test_nonsense_is_an_unknown_place(city: str) -> None:
    assert city in nowhere(city=city)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("U.S.A.", "US"),
        ("united kingdom", "GB"),
        ("Deutschland", "DE"),
        ("Netherlands", "NL"),
        ("Czech Republic", "CZ"),
        ("UAE", "AE"),
        ("Großbritannien", "GB"),
        ("États-Unis", "US"),
        ("Côte d’Ivoire", "CI"),
        ("Russian Federation", "RU"),
        ("Korea, Republic of", "KR"),
        ("Korea, Democratic People's Republic of", "KP"),
        ("Gambia, The", "GM"),
        ("The Bahamas", "BS"),
        ("St. Lucia", "LC"),
        ("日本", "JP"),
        ("Atlantis", None),
        ("the", None),
        ("", None),
    ],
)
def test_countries_are_known_by_names_and_codes(text: str, code: str | None) -> None:
    assert country_code(text) == code


@pytest.mark.parametrize(("name", "same"), [("SÃO-PAULO", "sao paulo"), ("Łódź", "lodz"), ("St. John’s", "st johns")])
def test_names_are_compared_without_accents_and_punctuation(name: str, same: str) -> None:
    assert folded(name) == same


def test_every_city_is_in_a_zone_that_python_knows() -> None:
    some = [city for country in ("US", "CA", "AU", "BR", "RU", "KI", "AR", "DE") for city in cities_of(country)]

    assert len(some) > 5000
    assert {city.zone for city in some} <= available_timezones()


@pytest.mark.parametrize(
    ("country", "subdivision", "city"),
    [
        *(("DE", "BY", "Munich"), ("DE", "SN", "Dresden"), ("CA", "AB", "Calgary"), ("AU", "WA", "Perth")),
        *(("BR", "AM", "Manaus"), ("BR", "PR", "Curitiba"), ("US", "IL", "Chicago"), ("CH", "ZH", "Zürich")),
    ],
)
def test_cities_stand_in_the_right_part_of_their_country(country: str, subdivision: str, city: str) -> None:
    assert city in [each.name for each in cities_of(country, subdivision)]


def test_the_catalogues_are_made_of_geonames_rows() -> None:
    munich = {
        "name": "Munich",
        "countrycode": "DE",
        "admin1code": "02",
        "timezone": "Europe/Berlin",
        "population": 1_500_000,
        "alternatenames": ["München", "ミュンヘン", ""],
    }
    hamlet = {**munich, "name": "Hamlet", "admin1code": "99", "population": 7, "alternatenames": ["Weiler", "村"]}

    assert list(city_rows([munich, hamlet])) == [
        "DE\tBY\tEurope/Berlin\t1500000\tMunich\t|munchen|munich|ミュンヘン|",
        "DE\t\tEurope/Berlin\t7\tHamlet\t|hamlet|weiler|",
    ]


def test_a_name_that_two_countries_might_have_is_entered_for_none() -> None:
    rows = ["IE\tIreland\t|ie|ireland|irl|", "IR\tIran\t|ir|iran|irn|"]
    names = {"IE": ["Irland", "Éire", "Ire"], "IR": ["Irán", "Ire", "Ireland"]}

    assert list(enriched(rows, names)) == [
        "IE\tIreland\t|eire|ie|ireland|irl|irland|republic of ireland|",
        "IR\tIran\t|ir|iran|iran islamic republic of|irn|",
    ]
