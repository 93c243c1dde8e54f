"""All settings, read once from the environment and checked together.

A bad one stops the start, not the first request.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Set
from typing import Literal

from pydantic import ConfigDict, Field, SecretStr, ValidationError

from lib.settings.mail import MailSettings
from lib.settings.storage import StorageSettings
from lib.settings.values import Folder, HostNames, Origins, WebAddress

_OURS = ("HEED_", "AzureWebJobs", "AZURE_", "APPLICATIONINSIGHTS_")
"""Beginnings of the names that the app or its host reads."""

_OF_ORGANIZATIONS = ("HEED_MAILBOX_", "HEED_STORAGE_")
"""Begin the names of one organization's secrets: one that is wrong stops that mailbox or organization, not the start.
"""

_KEY_VAULT_REFERENCE = "@microsoft.keyvault("


class SettingsError(Exception):
    """A setting is missing or wrong; the text is one line that names it and says how to mend it."""


class Settings(MailSettings, StorageSettings):
    """Every setting of Heed."""

    model_config = ConfigDict(defer_build=False)

    trusted_hops: int = Field(
        1,
        alias="HEED_TRUSTED_HOPS",
        ge=0,
        le=10,
        description="how many proxies of ours add to X-Forwarded-For, 0 to 10",
    )
    requests_per_second: int = Field(
        50,
        alias="HEED_REQUESTS_PER_SECOND",
        ge=1,
        le=1_000_000,
        description="how many requests a second each instance of the app takes with one key of the API",
    )
    hits_per_minute: int = Field(
        120,
        alias="HEED_HITS_PER_MINUTE",
        ge=1,
        le=1_000_000,
        description="how many hits a minute on one link or pixel each instance of the app stores one by one; further "
        "ones are counted",
    )
    maps_key: SecretStr | None = Field(
        None,
        alias="HEED_MAPS_KEY",
        description="the subscription key of Azure Maps, to find recipients' time zones with; without it, data at hand",
    )
    maps_url: WebAddress = Field(
        "https://atlas.microsoft.com",
        alias="HEED_MAPS_URL",
        description="Azure Maps' address; national clouds have their own",
    )
    loopback: Literal["on", "off"] = Field(
        "off",
        alias="HEED_LOOPBACK",
        description="on (hosts that organizations name may be this machine, for development) or off",
    )
    insights_connection_string: SecretStr | None = Field(
        None,
        alias="APPLICATIONINSIGHTS_CONNECTION_STRING",
        description="the connection string of Application Insights, to which the host and Heed's traces go",
    )
    insights_authentication: str | None = Field(
        None,
        alias="APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
        description="Authorization=AAD, with the identity's client id, where Application Insights takes no key",
    )
    traces: Literal["on", "off"] = Field(
        "on",
        alias="HEED_TRACES",
        description="on (each message has a trace in Application Insights, where the app has that) or off",
    )
    platform_sign_in: bool = Field(
        False,
        alias="WEBSITE_AUTH_ENABLED",
        description="true where App Service's own authentication is on, as the platform sets it; only then does the "
        "header X-MS-CLIENT-PRINCIPAL name a person",
    )
    cors_origins: Origins = Field(
        frozenset(),
        alias="HEED_CORS_ORIGINS",
        description="origins of pages whose scripts may call the API for every organization, separated by commas",
    )
    key_vault: WebAddress | None = Field(
        None,
        alias="HEED_KEY_VAULT",
        description="the key vault with secrets of mailboxes, for example https://acme.vault.azure.net",
    )
    deny_hosts: HostNames | None = Field(
        None,
        alias="HEED_DENY_HOSTS",
        description="hosts, with commas between them, to which no link of ours leads, nor to those below them",
    )
    catalogues: Folder | None = Field(
        None,
        alias="HEED_CATALOGUES",
        description="a folder with catalogues of your own: networks.csv, owners.csv, autonomous_systems.csv, "
        "gateways.csv, agents.csv",
    )


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read settings from the mapping, by default the environment. Raises SettingsError for the first wrong one."""
    source = os.environ if environment is None else environment
    names = {str(field.alias) for field in Settings.model_fields.values()}
    given = {name: source[name] for name in names if source.get(name, "") != ""}
    _refuse_references(source, names)
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        raise SettingsError(_line(error)) from None


def _refuse_references(source: Mapping[str, str], names: Set[str]) -> None:
    """Refuse Key Vault references that the platform could not resolve: it hands them over as plain text.

    Raises SettingsError.
    """
    for name, value in source.items():
        is_ours = name in names or (name.startswith(_OURS) and not name.startswith(_OF_ORGANIZATIONS))
        if is_ours and value.strip().lower().startswith(_KEY_VAULT_REFERENCE):
            raise SettingsError(
                f"{name} is an unresolved Key Vault reference: see that the secret is there and that the identity of "
                "the app may read it (the role Key Vault Secrets User), then restart the app"
            )


def _line(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    said = first["msg"].removeprefix("Value error, ")
    if not first["loc"]:
        return said
    name = str(first["loc"][0])
    meaning = _meaning(name)
    if first["type"] == "missing":
        return f"{name} is missing: set it to {meaning}"
    return f"{name} is wrong ({said}): set it to {meaning}"


def _meaning(name: str) -> str:
    return next(str(field.description) for field in Settings.model_fields.values() if field.alias == name)
