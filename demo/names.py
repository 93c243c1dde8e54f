"""Made-up names of the people and companies of the demo. All domains end in `.example`, which no one can own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a company."""

    city: str
    country: str
    time_zone: str
    people: str
    """Key of `FIRST_NAMES` and `LAST_NAMES`."""
    language: str
    """The language in which its people are written to."""


_GB, _DE = ("GB", "Europe/London", "en", "en"), ("DE", "Europe/Berlin", "de", "de")
_AT, _FR = ("AT", "Europe/Vienna", "de", "de"), ("FR", "Europe/Paris", "fr", "fr")
_NL, _SE = ("NL", "Europe/Amsterdam", "nl", "en"), ("SE", "Europe/Stockholm", "sv", "en")
_IE, _US = ("IE", "Europe/Dublin", "en", "en"), ("US", "America/New_York", "en", "en")

PLACES: tuple[Place, ...] = tuple(
    Place(city, *rest)
    for cities, rest in (
        (("Leeds", "Bristol", "Norwich"), _GB),
        (("Hamburg", "Kassel", "Augsburg"), _DE),
        (("Linz", "Graz"), _AT),
        (("Nantes", "Lyon"), _FR),
        (("Utrecht", "Zwolle"), _NL),
        (("Malmö", "Uppsala"), _SE),
        (("Cork",), _IE),
        (("Boston", "Philadelphia"), _US),
    )
    for city in cities
)

COMPANIES = (
    "Brackwater Logistics", "Fernhollow Foods", "Quillmere Print", "Tarnwick Joinery", "Oldbarrow Dairy",
    "Pellinge Textiles", "Marrowby Tools", "Ashcombe Ferries", "Wrenfold Clinics", "Hollinshaw Metals",
    "Castlereed Packaging", "Dunmorrow Hotels", "Lindquell Interiors", "Silverpike Bearings", "Thornaby Row Schools",
    "Bellhaven Ceramics", "Cobbleston Archives", "Drayhill Breweries", "Eastmarle Optics", "Foxgarth Nurseries",
    "Greywether Rail", "Harrowmist Studios", "Inkerby Paper", "Jessamy Gardens", "Kettlewold Kitchens",
    "Larkenfield Farms", "Mossgate Libraries", "Nethercliff Marine", "Orrinvale Sports", "Penhallock Glass",
    "Quarrendon Stone", "Ravensluice Water", "Saltmeadow Cold Store", "Tillerby Boats", "Underbeck Museums",
    "Varnholt Maschinen", "Weidenmoor Möbel", "Ysenbrück Textil", "Zellgrund Pharma", "Auenfeld Medizintechnik",
    "Birkenau & Lohse Werkzeuge", "Claasdorf Saatgut", "Dornrain Verlag", "Eschenhof Molkerei", "Falkengrund Antriebe",
    "Grünwinkel Logistik", "Hohenlinde Kliniken", "Ilmenrode Keramik", "Jagdfeld Papier", "Krähenbach Stahlbau",
    "Atelier Fontbrune", "Brasserie du Vieux Halage", "Chantournel Menuiserie", "Domaine de Valcendre",
    "Étoffes Marivolle",
    "Veenhuis Tuinbouw", "Waterschans Transport", "Norrhamra Trävaror", "Granvik Mekaniska", "Sjöängen Livsmedel",
)  # fmt: skip

FIRST_NAMES: Mapping[str, tuple[str, ...]] = {
    "en": (
        "Alice", "Amelia", "Arthur", "Beatrice", "Callum", "Charlotte", "Daniel", "Eleanor", "Ewan", "Fiona", "George",
        "Grace", "Harriet", "Hugh", "Imogen", "Isaac", "Jasmine", "Joel", "Kieran", "Laura", "Leah", "Marcus", "Maya",
        "Naomi", "Oliver", "Priya", "Rachel", "Rory", "Samuel", "Sophie", "Theo", "Zara",
    ),
    "de": (
        "Andrea", "Anton", "Birgit", "Carsten", "Daniela", "Elke", "Fabian", "Franziska", "Gregor", "Hannah", "Heike",
        "Ines", "Jonas", "Katrin", "Lars", "Lena", "Lukas", "Maria", "Martin", "Nadine", "Norbert", "Petra", "Ralf",
        "Sabine", "Stefan", "Tanja", "Thomas", "Ulrike", "Vera", "Wolfgang",
    ),
    "fr": (
        "Adèle", "Antoine", "Camille", "Céline", "Damien", "Élodie", "Étienne", "Fabrice", "Hélène", "Julien", "Laure",
        "Mathilde", "Nicolas", "Pauline", "Rémi", "Sylvie",
    ),
    "nl": ("Anouk", "Bram", "Daan", "Fleur", "Hanneke", "Jeroen", "Lotte", "Maarten", "Noor", "Ruben", "Sanne"),
    "sv": ("Agnes", "Anders", "Ebba", "Erik", "Frida", "Gustav", "Ingrid", "Johan", "Karin", "Linnea", "Nils", "Sofia"),
}  # fmt: skip

LAST_NAMES: Mapping[str, tuple[str, ...]] = {
    "en": (
        "Abbott", "Ashdown", "Barlow", "Birch", "Blackwood", "Bramley", "Carver", "Chandler", "Crane", "Dalton",
        "Drake", "Ellery", "Fairbank", "Finch", "Garland", "Hale", "Hartley", "Holt", "Ingram", "Kersey", "Lambert",
        "Marlow", "Mehta", "Nairn", "Okafor", "Pryce", "Quinn", "Rowe", "Selby", "Thorne", "Vance", "Whitlock", "Yates",
    ),
    "de": (
        "Albrecht", "Baumann", "Brandt", "Dietrich", "Ebner", "Fuchs", "Gruber", "Hartmann", "Hofer", "Jansen",
        "Kaiser", "Keller", "Lindner", "Moser", "Neumann", "Ott", "Pichler", "Reuter", "Sommer", "Steiner",
        "Thiel", "Urban", "Vogt", "Wagner", "Winkler", "Zimmer",
    ),
    "fr": (
        "Aubry", "Bertin", "Carpentier", "Delmas", "Faure", "Garnier", "Hamelin", "Lacroix", "Morvan", "Perrin",
        "Rousselle", "Tessier", "Vasseur",
    ),
    "nl": ("Aalders", "Bakker", "De Wit", "Hoekstra", "Jonker", "Kuipers", "Mulder", "Postma", "Smeets", "Veenstra"),
    "sv": ("Berglund", "Dahl", "Ekström", "Forsberg", "Hedman", "Lindgren", "Nyström", "Sandberg", "Wallin", "Åkesson"),
}  # fmt: skip

TITLES = (
    "Facilities manager", "Head of operations", "Purchasing manager", "Managing director", "Plant manager",
    "Energy manager", "Office manager", "Finance director", "Project manager", "Head of maintenance",
)  # fmt: skip

PROJECTS = (
    "Workshop lighting", "Office floor 2", "Warehouse retrofit", "Loading bay", "Showroom", "Canteen and corridors",
    "Car park lighting", "Laboratory wing", "Production hall B", "Emergency lighting",
)  # fmt: skip

SELLERS = (
    ("nora", "Nora", "Lindqvist", "Europe/Vienna"), ("felix", "Felix", "Brenner", "Europe/Vienna"),
    ("amara", "Amara", "Osei", "Europe/London"), ("tom", "Tom", "Aldridge", "Europe/London"),
    ("clara", "Clara", "Vogel", "Europe/Berlin"), ("david", "David", "Marek", "Europe/Vienna"),
    ("julie", "Julie", "Renard", "Europe/Paris"), ("simon", "Simon", "Haas", "Europe/Berlin"),
    ("ella", "Ella", "Whitcombe", "Europe/London"), ("jan", "Jan", "de Boer", "Europe/Amsterdam"),
    ("maya", "Maya", "Sorensen", "Europe/Copenhagen"), ("paul", "Paul", "Wexford", "America/New_York"),
)  # fmt: skip
"""The salespeople: id, first name, last name, time zone."""
