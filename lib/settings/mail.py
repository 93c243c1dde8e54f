"""Settings of the way out for mail."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from typing import TYPE_CHECKING, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator

from lib.mime.sizes import MEGABYTE
from lib.settings.app import AppSettings
from lib.settings.values import WebAddress

if TYPE_CHECKING:
    from lib.transports.acs_resource import AcsResource
    from lib.transports.limits import Limits
    from lib.transports.mail_server import MailServer


class MailSettings(AppSettings):
    """Settings of the transport, and of the amount of mail."""

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
    graph_url: WebAddress = Field(
        "https://graph.microsoft.com/v1.0",
        alias="HEED_GRAPH_URL",
        description="Microsoft Graph's address with its version; national clouds have their own",
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
    mx_lookup: Literal["on", "off"] = Field(
        "on",
        alias="HEED_MX_LOOKUP",
        description="on (ask DNS which product filters a recipient's mail) or off",
    )

    @model_validator(mode="after")
    def _check_mail(self) -> Self:
        if self.transport == "acs":
            self.acs_resource()
        if self.smtp_user and not self.smtp_password:
            raise ValueError("HEED_SMTP_PASSWORD is missing: set it, as HEED_SMTP_USER is set")
        return self

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
