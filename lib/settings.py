"""Settings, read once from the environment and checked together: a bad one stops the start, not the first request.

Every part of an app starts with this module, so it imports transports and queues only where they are asked for.

The description of each setting completes "set it to …" in errors, and is its meaning in docs/settings.md.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Set
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    model_validator,
)

from lib.fields import WebOrigin
from lib.mime.sizes import MEGABYTE
from lib.outside import is_host
from lib.storage.azure.account import Account, Service
from lib.tokens import KeyRing

if TYPE_CHECKING:
    from lib.storage.service_bus.namespace import Namespace
    from lib.transports.acs_resource import AcsResource
    from lib.transports.limits import Limits
    from lib.transports.mail_server import MailServer

_OURS = ("HEED_", "AzureWebJobs", "AZURE_", "APPLICATIONINSIGHTS_")
"""Beginnings of the names that the app or its host reads."""

_OF_ORGANIZATIONS = ("HEED_MAILBOX_", "HEED_STORAGE_")
"""Begin the names of one organization's secrets: one that is wrong stops that mailbox or organization, not the start.
"""

_SHORTEST_KEY = 16
_SHORTEST_LOCAL_KEY = 8
_KEY_VAULT_REFERENCE = "@microsoft.keyvault("


class SettingsError(Exception):
    """A setting is missing or wrong; the text is one line that names it and says how to mend it."""


def _base_url(value: str) -> str:
    # urlsplit drops tabs and line ends without a word.
    parts = urlsplit(value) if re.fullmatch(r"[!-~]+", value) else urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("it is no http or https address")
    return value.rstrip("/")


def _service_address(value: str) -> str:
    if not value.startswith("https://") or urlsplit(value).path not in ("", "/"):
        raise ValueError("it is no https address of a host alone")
    return value


ServiceAddress = Annotated[str, AfterValidator(_base_url), AfterValidator(_service_address)]
ClientId = Annotated[str, StringConstraints(pattern=r"^[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$")]


def _folder(value: Path) -> Path:
    if not value.is_dir():
        raise ValueError("there is no such folder")
    return value


def _listed(value: Any) -> Any:
    """Split a list of texts at its commas."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _key_ring(value: Any) -> KeyRing:
    return value if isinstance(value, KeyRing) else KeyRing.parse(str(value))


def _hosts(value: Any) -> tuple[str, ...]:
    if isinstance(value, tuple):
        return value
    hosts = tuple(host.strip().lower().strip(".") for host in str(value).split(","))
    if wrong := next((host for host in hosts if not is_host(host)), None):
        raise ValueError(f"{wrong[:100]} is no host name")
    return hosts


NOT_NEEDED_BY: Mapping[str, frozenset[str]] = {"HEED_ADMIN_KEY": frozenset({"recipients"})}
"""Required settings, each with the parts (`HEED_FUNCTIONS`) that do without and that had better not have it. An app
that recipients reach answers no administrator: what it does not hold cannot be stolen there."""


class Settings(BaseModel):
    """Every setting of Heed. The alias of a field is its name in the environment."""

    model_config = ConfigDict(extra="ignore", arbitrary_types_allowed=True)

    base_url: Annotated[str, AfterValidator(_base_url)] = Field(
        alias="HEED_BASE_URL",
        description="the public address that links in mail begin with, for example https://mail.example.com",
    )
    environment: str = Field(
        "Production",
        alias="AZURE_FUNCTIONS_ENVIRONMENT",
        description="Development on one machine, as the local host and Core Tools set it; anything else in Azure",
    )
    admin_key: SecretStr | None = Field(
        None,
        alias="HEED_ADMIN_KEY",
        description=f"the administrator's key, at least {_SHORTEST_KEY} characters "
        f"(at least {_SHORTEST_LOCAL_KEY} characters on the local host)",
    )
    token_keys: Annotated[KeyRing, BeforeValidator(_key_ring)] = Field(
        alias="HEED_TOKEN_KEYS",
        description="the ring of token keys, newest first: k1:<base64url of 64 random bytes>[,k0:...]; make one with "
        "python3 -c \"import base64,os;print('k1:'+base64.urlsafe_b64encode(os.urandom(64)).decode().rstrip('='))\"",
    )
    token_form: Literal["1", "2"] = Field(
        "2",
        alias="HEED_TOKEN_FORM",
        description="2 (tokens name the recipient's address as a hash, so that a stop acts without storage) or 1 (as "
        "earlier releases open them: while instances of such a release still run)",
    )
    connection_string: SecretStr | None = Field(
        None,
        alias="AzureWebJobsStorage",
        description="the storage account's connection string, with its account key",
    )
    account_name: str | None = Field(
        None,
        alias="AzureWebJobsStorage__accountName",
        description="the storage account's name, with a managed identity",
    )
    functions: Literal["all", "recipients", "crm", "work"] = Field(
        "all",
        alias="HEED_FUNCTIONS",
        description="which functions this app has: all of them, or one of three parts that run as apps of their own: "
        "recipients (what mail leads to), crm (the API) or work (queues and timers)",
    )
    blob_address: ServiceAddress | None = Field(
        None,
        alias="AzureWebJobsStorage__blobServiceUri",
        description="the https address of the account's blobs, in a national cloud; elsewhere it follows from the name",
    )
    queue_address: ServiceAddress | None = Field(
        None,
        alias="AzureWebJobsStorage__queueServiceUri",
        description="the https address of the account's queues; by default as the other addresses have it, or the name",
    )
    table_address: ServiceAddress | None = Field(
        None,
        alias="AzureWebJobsStorage__tableServiceUri",
        description="the https address of the account's tables; by default as the other addresses have it, or the name",
    )
    storage_client_id: ClientId | None = Field(
        None,
        alias="AzureWebJobsStorage__clientId",
        description="the client id of the managed identity for storage; without it, AZURE_CLIENT_ID",
    )
    client_id: ClientId | None = Field(
        None,
        alias="AZURE_CLIENT_ID",
        description="the client id of the user-assigned managed identity, which azure-identity reads",
    )
    token_credentials: str | None = Field(
        None,
        alias="AZURE_TOKEN_CREDENTIALS",
        pattern=r"^[A-Za-z]+$",
        description="ManagedIdentityCredential in Azure, so that azure-identity searches no chain of credentials",
    )
    queues: Literal["storage", "servicebus"] = Field(
        "storage",
        alias="HEED_QUEUES",
        description="storage (queues of the storage account) or servicebus (Azure Service Bus)",
    )
    service_bus_connection_string: SecretStr | None = Field(
        None,
        alias="HEED_SERVICEBUS",
        description="the Service Bus namespace's connection string",
    )
    service_bus_host: str | None = Field(
        None,
        alias="HEED_SERVICEBUS__fullyQualifiedNamespace",
        pattern=r"^[A-Za-z0-9.-]+$",
        description="the Service Bus namespace's host name (….servicebus.windows.net), with a managed identity",
    )
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
    transport: Literal["smtp", "acs", "graph"] = Field(
        "smtp",
        alias="HEED_TRANSPORT",
        description="smtp (a mail server), acs (Azure Communication Services Email) or graph (Microsoft Graph)",
    )
    acs_connection_string: SecretStr | None = Field(
        None,
        alias="HEED_ACS_CONNECTION_STRING",
        description="the Communication Services resource's connection string, with its access key",
    )
    acs_endpoint: str | None = Field(
        None,
        alias="HEED_ACS_ENDPOINT",
        pattern=r"^https://[!-~]+$",  # the SDK hands tokens over https alone
        description="the Communication Services resource's https address, with a managed identity",
    )
    acs_per_minute: int = Field(
        30,
        alias="HEED_ACS_PER_MINUTE",
        ge=1,
        le=100_000,
        description="how many mails a minute Communication Services takes; each instance of the app sends so many",
    )
    acs_per_hour: int = Field(
        100,
        alias="HEED_ACS_PER_HOUR",
        ge=1,
        le=100_000,
        description="how many mails an hour Communication Services takes; each instance of the app sends so many",
    )
    mail_recipients: int | None = Field(
        None,
        alias="HEED_MAIL_RECIPIENTS",
        ge=1,
        description="how many recipients one mail may have, where that is not what the provider publishes",
    )
    mail_megabytes: int | None = Field(
        None,
        alias="HEED_MAIL_MEGABYTES",
        ge=1,
        description="how many MB one mail may have (files in base64), where that is not what the provider publishes",
    )
    graph_url: Annotated[str, AfterValidator(_base_url)] = Field(
        "https://graph.microsoft.com/v1.0",
        alias="HEED_GRAPH_URL",
        description="Microsoft Graph's address with its version; national clouds have their own",
    )
    maps_key: SecretStr | None = Field(
        None,
        alias="HEED_MAPS_KEY",
        description="the subscription key of Azure Maps, to find recipients' time zones with; without it, data at hand",
    )
    maps_url: Annotated[str, AfterValidator(_base_url)] = Field(
        "https://atlas.microsoft.com",
        alias="HEED_MAPS_URL",
        description="Azure Maps' address; national clouds have their own",
    )
    smtp_host: str | None = Field(
        None,
        alias="HEED_SMTP_HOST",
        description="the mail server that takes outgoing mail; without it nothing is sent",
    )
    smtp_port: int = Field(587, alias="HEED_SMTP_PORT", ge=1, le=65535, description="the mail server's port")
    smtp_user: str | None = Field(None, alias="HEED_SMTP_USER", description="the name to log in with, if any")
    smtp_password: SecretStr | None = Field(None, alias="HEED_SMTP_PASSWORD", description="the password to log in with")
    smtp_security: Literal["auto", "starttls", "tls", "none"] = Field(
        "auto",
        alias="HEED_SMTP_SECURITY",
        description="auto (STARTTLS where offered), starttls (demanded), tls (from the first byte) or none",
    )
    smtp_ehlo: str | None = Field(
        None,
        alias="HEED_SMTP_EHLO",
        pattern=r"^([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9.]+\]|\[IPv6:[0-9A-Fa-f:.]+\])$",
        max_length=255,
        description="the host name that Heed greets the mail server with (EHLO); the base URL's host, if it is not set",
    )
    smtp_timeout: float = Field(
        30.0,
        alias="HEED_SMTP_TIMEOUT",
        gt=0,
        le=300,
        description="seconds to wait for each answer of the mail server",
    )
    mx_lookup: Literal["on", "off"] = Field(
        "on",
        alias="HEED_MX_LOOKUP",
        description="on (ask DNS which product filters a recipient's mail) or off",
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
    cors_origins: Annotated[frozenset[WebOrigin], BeforeValidator(_listed)] = Field(
        frozenset(),
        alias="HEED_CORS_ORIGINS",
        description="origins of pages whose scripts may call the API for every organization, separated by commas",
    )
    key_vault: Annotated[str, AfterValidator(_base_url)] | None = Field(
        None,
        alias="HEED_KEY_VAULT",
        description="the key vault with secrets of mailboxes, for example https://acme.vault.azure.net",
    )
    deny_hosts: Annotated[tuple[str, ...], BeforeValidator(_hosts)] | None = Field(
        None,
        alias="HEED_DENY_HOSTS",
        description="hosts, with commas between them, to which no link of ours leads, nor to those below them",
    )
    catalogues: Annotated[Path, AfterValidator(_folder)] | None = Field(
        None,
        alias="HEED_CATALOGUES",
        description="a folder with catalogues of your own: networks.csv, owners.csv, autonomous_systems.csv, "
        "gateways.csv, agents.csv",
    )

    @property
    def limits(self) -> Limits:
        """Limits of one mail: the published ones of the transport, corrected by settings."""
        from lib.transports.limits import PUBLISHED

        limits = PUBLISHED[self.transport]
        return replace(
            limits,
            recipients=self.mail_recipients or limits.recipients,
            mail=self.mail_megabytes * MEGABYTE if self.mail_megabytes else limits.mail,
        )

    @model_validator(mode="after")
    def _complete(self) -> Settings:
        if self.functions not in NOT_NEEDED_BY["HEED_ADMIN_KEY"]:
            self._check_admin_key()
        self.account()
        if self.queues == "servicebus":
            self.service_bus()
        if self.transport == "acs":
            self.acs_resource()
        if self.smtp_user and not self.smtp_password:
            raise ValueError("HEED_SMTP_PASSWORD is missing: set it, as HEED_SMTP_USER is set")
        return self

    def _check_admin_key(self) -> None:
        """Check that there is a key of the administrator that cannot be guessed. Raises ValueError."""
        if self.admin_key is None:
            raise ValueError(f"HEED_ADMIN_KEY is missing: set it to {_meaning('HEED_ADMIN_KEY')}")
        length = len(self.admin_key.get_secret_value())
        if length < (_SHORTEST_LOCAL_KEY if self.environment == "Development" else _SHORTEST_KEY):
            raise ValueError(
                f"HEED_ADMIN_KEY is wrong (it has {length} characters): set it to {_meaning('HEED_ADMIN_KEY')}"
            )

    def mail_server(self) -> MailServer | None:
        """The mail server that takes mail over SMTP; None where none is set."""
        if self.smtp_host is None:
            return None
        from lib.transports.mail_server import MailServer

        return MailServer(
            host=self.smtp_host,
            port=self.smtp_port,
            ehlo=self.ehlo_name(),
            security=self.smtp_security,
            user=self.smtp_user,
            password=self.smtp_password.get_secret_value() if self.smtp_password else None,
            timeout=self.smtp_timeout,
        )

    def ehlo_name(self) -> str:
        """The name in EHLO: a host name, or an address literal (RFC 5321, 4.1.3)."""
        host = urlsplit(self.base_url).hostname or ""
        try:
            address = ip_address(host)
        except ValueError:
            return self.smtp_ehlo or host
        return self.smtp_ehlo or (f"[IPv6:{address}]" if address.version == 6 else f"[{address}]")

    def acs_resource(self) -> AcsResource:
        """The Communication Services resource that sends mail. Raises ValueError."""
        from lib.transports.acs_resource import AcsResource

        if self.acs_connection_string:
            try:
                return AcsResource.parse(self.acs_connection_string.get_secret_value())
            except ValueError as error:
                raise ValueError(
                    f"HEED_ACS_CONNECTION_STRING is wrong ({error}): set it to the resource's connection string"
                ) from None
        if self.acs_endpoint:
            return AcsResource(self.acs_endpoint.rstrip("/"))
        raise ValueError(
            "HEED_ACS_CONNECTION_STRING is missing: set it to the Communication Services resource's connection string, "
            "or HEED_ACS_ENDPOINT to its address, as HEED_TRANSPORT is acs"
        )

    def service_bus(self) -> Namespace:
        """The Service Bus namespace of the queues. Raises ValueError."""
        from lib.storage.service_bus.namespace import Namespace

        if self.service_bus_connection_string:
            try:
                return Namespace.parse(self.service_bus_connection_string.get_secret_value())
            except ValueError as error:
                raise ValueError(
                    f"HEED_SERVICEBUS is wrong ({error}): set it to the Service Bus namespace's connection string"
                ) from None
        if self.service_bus_host:
            return Namespace(host=self.service_bus_host)
        raise ValueError(
            "HEED_SERVICEBUS is missing: set it to the Service Bus namespace's connection string, "
            "or HEED_SERVICEBUS__fullyQualifiedNamespace to its host name, as HEED_QUEUES is servicebus"
        )

    def account(self) -> Account:
        """The storage account that holds everything. Raises ValueError."""
        if self.connection_string:
            try:
                return Account.parse(self.connection_string.get_secret_value())
            except ValueError as error:
                raise ValueError(
                    f"AzureWebJobsStorage is wrong ({error}): set it to the storage account's connection string"
                ) from None
        given: dict[Service, str | None] = {
            "blob": self.blob_address,
            "queue": self.queue_address,
            "table": self.table_address,
        }
        addresses = {service: address for service, address in given.items() if address}
        if not self.account_name and not addresses:
            raise ValueError(
                "AzureWebJobsStorage is missing: set it to the storage account's connection string, "
                "or AzureWebJobsStorage__accountName to its name"
            )
        try:
            return Account.entered_by_identity(self.account_name, addresses)
        except ValueError:
            missing = next(service for service in given if service not in addresses)
            raise ValueError(
                f"AzureWebJobsStorage__{missing}ServiceUri is missing: set it, as it does not follow from the other "
                "addresses, or set AzureWebJobsStorage__accountName to the account's name"
            ) from None


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
