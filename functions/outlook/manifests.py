"""The manifests by which an administrator deploys the add-in: the unified one, in its package, and the XML one.

Both name the same id, pages and buttons. They hold addresses and texts alone, and no secret.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from functions.outlook.files import ICONS
from functions.outlook.rendering import filled

VERSION = "1.0.0"
"""The manifests' version. Raise it with every change of what they say: Outlook takes a new one by that alone."""

SCHEMA_VERSION = "1.24"
"""The version of Microsoft's schema for unified manifests."""

_SCHEMA = f"https://developer.microsoft.com/json-schemas/teams/v{SCHEMA_VERSION}/MicrosoftTeams.schema.json"
_WORDS = "https://developer.microsoft.com/json-schemas/teams/v{}/MicrosoftTeams.Localization.schema.json"
LOCALES: Mapping[str, str] = {"en": "en-US", "de": "de-DE", "fr": "fr-FR", "es": "es-ES", "it": "it-IT"}
_BUTTONS = {"mailCompose": "compose", "mailRead": "read"}
_SIZES = (16, 32, 80)
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Site:
    """The organization whose mail the add-in follows, and the address of its Heed."""

    base_url: str
    """Without a slash at its end. Outlook takes https alone."""
    organization: str
    """The organization's id."""

    @property
    def id(self) -> str:
        """The id of the add-in: the same for the same organization at the same address."""
        return str(uuid5(NAMESPACE_URL, f"{self.base_url}/outlook/{self.organization}"))

    def page(self, name: str) -> str:
        return f"{self.base_url}/outlook/{self.organization}/{name}"

    @property
    def launch_script(self) -> str:
        return f"{self.base_url}/outlook/-/launchevent.js"

    def icon(self, size: int) -> str:
        return f"{self.base_url}/outlook/-/icons/{size}.png"


@cache
def texts() -> Mapping[str, Mapping[str, str]]:
    """Return the texts of the manifests by language."""
    found: Mapping[str, Mapping[str, str]] = json.loads(
        (Path(__file__).parent / "manifest_texts.json").read_text(encoding="utf-8")
    )
    return found


def unified_package(site: Site) -> bytes:
    """Make the package of the unified manifest, with its icons and the texts of other languages; always the same."""
    files: dict[str, str | bytes] = {"manifest.json": _json(unified_manifest(site))}
    files |= {f"{each}.json": _json(_localized(each)) for each in LOCALES if each != "en"}
    files |= {name: (ICONS / name).read_bytes() for name in ("192.png", "outline.png")}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in files.items():
            package.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def xml_manifest(site: Site) -> bytes:
    """Write the XML manifest, for what takes no unified one yet."""
    version = f"{VERSION}.0"
    return filled("manifest.xml", site=site, version=version, texts=texts(), locales=LOCALES, sizes=_SIZES).encode()


def unified_manifest(site: Site) -> dict[str, Any]:
    """Make the unified manifest, in English."""
    words = texts()["en"]
    others = [{"languageTag": LOCALES[each].lower(), "file": f"{each}.json"} for each in LOCALES if each != "en"]
    return {
        "$schema": _SCHEMA,
        "manifestVersion": SCHEMA_VERSION,
        "id": site.id,
        "version": VERSION,
        "localizationInfo": {"defaultLanguageTag": "en-us", "additionalLanguages": others},
        "developer": {
            "name": "Heed",
            "websiteUrl": f"{site.base_url}/",
            "privacyUrl": f"{site.base_url}/",
            "termsOfUseUrl": f"{site.base_url}/",
        },
        "name": {"short": "Heed", "full": words["full"]},
        "description": {"short": words["short_description"], "full": words["description"]},
        "icons": {"color": "192.png", "outline": "outline.png"},
        "accentColor": "#3451d1",
        "authorization": {
            "permissions": {"resourceSpecific": [{"name": "MailboxItem.ReadWrite.User", "type": "Delegated"}]}
        },
        "validDomains": [site.base_url.partition("://")[2]],
        "extensions": [_extension(site, words)],
    }


def _extension(site: Site, words: Mapping[str, str]) -> dict[str, Any]:
    """Return the pane with its buttons, and the handler of mail that is sent."""
    show = {"id": "showPane", "type": "openPage", "pinnable": True, "view": "pane"}
    return {
        "requirements": {"scopes": ["mail"], "capabilities": [{"name": "Mailbox", "minVersion": "1.8"}]},
        "runtimes": [
            {
                "id": "pane",
                "type": "general",
                "code": {"page": site.page("pane")},
                "lifetime": "short",
                "actions": [show],
            },
            {
                "id": "events",
                "type": "general",
                "requirements": {"capabilities": [{"name": "Mailbox", "minVersion": "1.12"}]},
                "code": {"page": site.page("launch"), "script": site.launch_script},
                "lifetime": "short",
                "actions": [{"id": "onMessageSend", "type": "executeFunction"}],
            },
        ],
        "ribbons": [_ribbon(site, words, context) for context in _BUTTONS],
        "autoRunEvents": [
            {
                "requirements": {"capabilities": [{"name": "Mailbox", "minVersion": "1.12"}], "scopes": ["mail"]},
                "events": [
                    {"type": "messageSending", "actionId": "onMessageSend", "options": {"sendMode": "promptUser"}}
                ],
            }
        ],
    }


def _ribbon(site: Site, words: Mapping[str, str], context: str) -> dict[str, Any]:
    button, icons = _BUTTONS[context], [{"size": size, "url": site.icon(size)} for size in _SIZES]
    control = {
        "id": f"{button}Button",
        "type": "button",
        "label": words[button],
        "icons": icons,
        "supertip": {"title": words[button], "description": words[f"{button}_tip"]},
        "actionId": "showPane",
    }
    group = {"id": f"{button}Group", "label": words["group"], "controls": [control]}
    return {"contexts": [context], "tabs": [{"builtInTabId": "TabDefault", "groups": [group]}]}


def _localized(language: str) -> dict[str, str]:
    """Return what the manifest says in another language, by the places of the texts."""
    words = texts()[language]
    found = {
        "$schema": _WORDS.format(SCHEMA_VERSION),
        "name.short": "Heed",
        "name.full": words["full"],
        "description.short": words["short_description"],
        "description.full": words["description"],
    }
    for number, button in enumerate(_BUTTONS.values()):
        group = f"extensions[0].ribbons[{number}].tabs[0].groups[0]"
        found[f"{group}.label"] = words["group"]
        found[f"{group}.controls[0].label"] = words[button]
        found[f"{group}.controls[0].supertip.title"] = words[button]
        found[f"{group}.controls[0].supertip.description"] = words[f"{button}_tip"]
    return found


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
