"""The manifests: they hold to Microsoft's schemas, name what is there, and say the same in five languages."""

from __future__ import annotations

import io
import json
import os
import struct
import subprocess
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest

from functions.outlook.manifests import LOCALES, SCHEMA_VERSION, Site, texts, unified_package, xml_manifest
from tests.console.site import Visitor
from tests.support.heed import ADMIN_KEY, BASE_URL, Heed

SITE = Site("https://heed.example.com", "acme")
CHECK = Path(__file__).parent / "manifest_check.mjs"
SCHEMAS = os.environ.get("HEED_TEST_OFFICE_SCHEMAS")
MAIL = "{http://schemas.microsoft.com/office/mailappversionoverrides/1.1}"
TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
LONGEST = {"short": 125, "long": 250}
"""Characters of the texts of an XML manifest's resources."""


def unpacked(package: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(package)) as files:
        return {name: files.read(name) for name in files.namelist()}


def unified(site: Site = SITE) -> Any:
    return json.loads(unpacked(unified_package(site))["manifest.json"])


def test_the_unified_manifest_and_its_texts_hold_to_microsofts_schemas(tmp_path: Path) -> None:
    if not (CHECK.parents[2] / "node_modules" / "@microsoft" / "app-manifest").exists():
        pytest.skip("there is no @microsoft/app-manifest on this machine: npm ci")
    for name, content in unpacked(unified_package(SITE)).items():
        (tmp_path / name).write_bytes(content)
    words = [f"{tmp_path / each}.json" for each in LOCALES if each != "en"]

    said = [
        _check("MicrosoftTeams.schema.json", f"{tmp_path / 'manifest.json'}"),
        _check("MicrosoftTeams.Localization.schema.json", *words),
    ]

    assert said == ["", ""]


def _check(schema: str, *files: str) -> str:
    return subprocess.run(
        ["node", CHECK, SCHEMA_VERSION, schema, *files], capture_output=True, text=True, check=False
    ).stdout


def test_the_xml_manifest_holds_to_microsofts_schemas_but_for_what_is_newer(tmp_path: Path) -> None:
    """Microsoft has published these schemas until 2020. Runtimes, events and pinning are newer."""
    if SCHEMAS is None:
        pytest.skip("HEED_TEST_OFFICE_SCHEMAS names no folder with Microsoft's schemas")
    etree = pytest.importorskip("lxml.etree")
    for file in Path(SCHEMAS).glob("*.xsd"):
        # As published, they name a namespace that is none, and a pattern that XML Schema does not have.
        text = file.read_text(encoding="utf-8-sig").replace("https://www.w3.org/", "http://www.w3.org/")
        (tmp_path / file.name).write_text(text.replace("{0,3}?", "{0,3}"), encoding="utf-8")
    for missing in ("ContentAppVersionOverridesV1_0", "TaskPaneAppVersionOverridesV1_0"):
        (tmp_path / f"{missing}.xsd").write_text(_empty_schema(missing), encoding="utf-8")
    schema = etree.XMLSchema(etree.parse(tmp_path / "OfficeAppManifestV1_1.xsd"))
    manifest = etree.fromstring(xml_manifest(SITE))
    newer = [*manifest.iter(f"{MAIL}Runtimes"), *manifest.iter(f"{MAIL}SupportsPinning")]
    newer += [each for each in manifest.iter(f"{MAIL}ExtensionPoint") if each.get(TYPE) == "LaunchEvent"]
    for each in newer:
        each.getparent().remove(each)

    schema.assertValid(manifest)


def _empty_schema(name: str) -> str:
    space = f"http://schemas.microsoft.com/office/{name.partition('V1')[0].lower()}"
    return (
        f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="{space}">'
        '<xs:element name="VersionOverrides"/></xs:schema>'
    )


def test_every_resource_of_the_xml_manifest_is_there_and_used_and_short_enough() -> None:
    manifest = ElementTree.fromstring(xml_manifest(SITE))
    named = {each.get("resid") for each in manifest.iter() if each.get("resid")}
    resources = next(manifest.iter(f"{MAIL}Resources"))
    there = {each.get("id"): each for each in resources.iter() if each.get("id")}

    assert named == set(there)
    for kind, longest in LONGEST.items():
        strings = next(each for each in resources if each.tag.endswith(f"{kind.title()}Strings"))
        for string in strings:
            overrides = {each.get("Locale"): each.get("Value") or "" for each in string}
            assert set(overrides) == {locale for locale in LOCALES.values() if locale != "en-US"}
            assert all(0 < len(each) <= longest for each in (string.get("DefaultValue") or "", *overrides.values()))


def test_both_manifests_name_the_same_id_pages_and_handler() -> None:
    manifest, other = ElementTree.fromstring(xml_manifest(SITE)), unified()
    xml = xml_manifest(SITE).decode()
    [pane, events] = other["extensions"][0]["runtimes"]

    assert manifest.findtext("{*}Id") == other["id"]
    assert manifest.findtext("{*}Version") == f"{other['version']}.0"
    for address in (pane["code"]["page"], events["code"]["page"], events["code"]["script"]):
        assert f'DefaultValue="{address}"' in xml
    [handler] = events["actions"]
    assert f'FunctionName="{handler["id"]}" SendMode="PromptUser"' in xml
    assert other["extensions"][0]["autoRunEvents"][0]["events"][0]["options"] == {"sendMode": "promptUser"}


def test_each_organization_and_address_has_an_id_of_its_own_that_stays() -> None:
    others = [Site("https://heed.example.com", "other"), Site("https://other.example.com", "acme")]

    assert len({each.id for each in (SITE, *others)}) == 3
    assert unified_package(SITE) == unified_package(Site("https://heed.example.com", "acme"))


def test_an_address_with_signs_of_xml_does_not_break_the_manifest() -> None:
    site = Site('https://heed.example.com/a"&<b>', "acme")

    assert ElementTree.fromstring(xml_manifest(site)).findtext("{*}Id") == site.id


def test_every_language_has_every_text() -> None:
    assert list(texts()) == list(LOCALES)
    for words in texts().values():
        assert words.keys() == texts()["en"].keys()
        assert all(words.values())
        assert len(words["short_description"]) <= 80


async def test_all_that_the_manifests_name_is_served_with_icons_of_their_sizes() -> None:
    heed = await Heed().start()
    package = unpacked((await heed.request("GET", "/outlook/acme/manifest.zip")).body)
    xml = (await heed.request("GET", "/outlook/acme/manifest.xml")).body.decode()
    text = package["manifest.json"].decode() + xml
    addresses = {part for part in text.split('"') if part.startswith(f"{BASE_URL}/outlook/")}

    assert len(addresses) >= 8
    for address in addresses:
        answer = await heed.request("GET", urlsplit(address).path)
        assert answer.status == 200, address
        if address.endswith(".png"):
            assert _size(answer.body) == (int(Path(address).stem),) * 2
    assert _size(package["192.png"]) == (192, 192)
    assert _size(package["outline.png"]) == (32, 32)


def _size(png: bytes) -> tuple[int, int]:
    """The width and the height of a PNG file (RFC 2083, 11.2.2)."""
    assert png.startswith(b"\x89PNG")
    return struct.unpack(">II", png[16:24])


async def test_the_console_leads_an_administrator_to_both_manifests() -> None:
    visitor = Visitor(await Heed().start())
    key = await visitor.heed.request("POST", "/api/orgs/acme/keys", {"scope": "admin"}, key=ADMIN_KEY)
    await visitor.sign_in(key=key.json["key"])

    page = await visitor.page("settings/organization")

    for name in ("manifest.zip", "manifest.xml"):
        assert f'href="/outlook/acme/{name}"' in page
        assert (await visitor.heed.request("GET", f"/outlook/acme/{name}")).status == 200
