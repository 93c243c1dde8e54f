"""The cast of the demo: names for the benchmark's senders, companies and recipients.

A benchmark's sender stands for two salespeople, because there are six there and twelve here: companies keep theirs.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from bench.traces.organizations.world import Company, Organization, Recipient
from demo.names import COMPANIES, FIRST_NAMES, LAST_NAMES, PLACES, PROJECTS, SELLERS, TITLES, Place

ORGANIZATION = "demo"
ORGANIZATION_NAME = "Ostervik Lighting"
DOMAIN = "ostervik.example"
NOT_OPTED_IN = "maya"
"""A salesperson who has not agreed to following, so that a mail that is not followed is there, too."""

_LETTERS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})


@dataclass(frozen=True, slots=True)
class Seller:
    """A salesperson."""

    id: str
    name: str
    time_zone: str

    @property
    def email(self) -> str:
        return f"{self.id}@{DOMAIN}"


@dataclass(frozen=True, slots=True)
class DemoCompany:
    """A company that gets mail."""

    id: str
    name: str
    domain: str
    place: Place
    projects: tuple[str, ...]
    seller: Seller
    gateway: str | None
    """The product before its mailboxes that the MX records name: an id of the catalogue of gateways."""


@dataclass(frozen=True, slots=True)
class Contact:
    """A person who gets mail."""

    id: str
    first_name: str
    last_name: str
    title: str
    email: str
    company: DemoCompany
    away: range
    """Days of a holiday, counted from the start of the benchmark's play."""

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}"

    @property
    def language(self) -> str:
        return self.company.place.language

    def as_recipient(self) -> dict[str, Any]:
        """Return the recipient as POST /messages takes it."""
        return {"email": self.email, "name": self.name, "record": {"type": "contact", "id": self.id}}


@dataclass(frozen=True, slots=True)
class Cast:
    """Everyone in the demo."""

    sellers: tuple[Seller, ...]
    companies: tuple[DemoCompany, ...]
    contacts: Mapping[str, Contact]
    """Contacts, by the address that the benchmark gives them."""
    networks: tuple[str, ...]
    """The office's networks."""


def make_cast(played: Organization, networks: tuple[str, ...]) -> Cast:
    """Give everyone a name, the same for the same organization of the benchmark."""
    random = Random(f"cast {played.seed}")
    sellers = tuple(Seller(each[0], f"{each[1]} {each[2]}", each[3]) for each in SELLERS)
    companies = tuple(_company(random, each, sellers) for each in played.companies)
    taken: set[str] = set()
    contacts = {each.email: _contact(random, each, companies[each.company.number], taken) for each in played.recipients}
    return Cast(sellers, companies, contacts, networks)


def _company(random: Random, played: Company, sellers: tuple[Seller, ...]) -> DemoCompany:
    name = COMPANIES[played.number]
    return DemoCompany(
        id=f"a{played.number + 1}",
        name=name,
        domain=f"{_plain(name)}.example",
        place=_place(random, played.number),
        projects=tuple(random.sample(PROJECTS, 2)),
        seller=sellers[played.number % len(sellers)],
        gateway=played.gateway if played.is_known else None,
    )


def _place(random: Random, number: int) -> Place:
    """Choose a place that goes with the company's name: `COMPANIES` has them by language."""
    countries = ("GB", "IE", "US") if number < 35 else ("DE", "AT") if number < 50 else ("FR",) if number < 55 else None
    if countries is None:
        countries = ("NL",) if number < 57 else ("SE",)
    return random.choice([place for place in PLACES if place.country in countries])


def _contact(random: Random, played: Recipient, company: DemoCompany, taken: set[str]) -> Contact:
    while True:
        first = random.choice(FIRST_NAMES[company.place.people])
        last = random.choice(LAST_NAMES[company.place.people])
        email = f"{_plain(first)}.{_plain(last)}@{company.domain}"
        if email not in taken:
            taken.add(email)
            return Contact(f"c{played.number + 1}", first, last, random.choice(TITLES), email, company, played.away)


def _plain(name: str) -> str:
    """Write a name as part of an address."""
    letters = unicodedata.normalize("NFKD", name.translate(_LETTERS)).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", letters.lower()).strip("-")
