"""The SMTP transport against real servers on this machine."""

import asyncio
import datetime
import ipaddress
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from infra.local.child import free_port
from lib.transports import Accepted, Envelope, Refused
from lib.transports.smtp import SmtpTransport
from tests.support.heed import mail_server_of
from tests.support.mail_server import MailServer

MIME = b"Subject: Hello\r\n\r\n.\r\n..two dots\r\nlast line\r\n"
MAIL = Envelope("rep@acme.example", ("ada@example.com", "bob@example.com"), MIME)
PASSWORD = "correct horse"

Transport = Callable[..., SmtpTransport]


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    """Makes transports to a port of this machine, with further settings; ends them after the test."""
    made: list[SmtpTransport] = []

    def make(port: int, monotonic: Callable[[], float] = time.monotonic, **settings: str) -> SmtpTransport:
        named = {f"HEED_SMTP_{name.upper()}": value for name, value in settings.items()}
        address = {"HEED_SMTP_HOST": "127.0.0.1", "HEED_SMTP_PORT": str(port), "HEED_SMTP_TIMEOUT": "20"}
        made.append(SmtpTransport(mail_server_of({**address, **named}), monotonic))
        return made[-1]

    yield make
    for each in made:
        await each.close()


@dataclass(slots=True)
class Mailbox:
    """A handler that refuses some addresses, and takes the rest."""

    refusals: dict[str, str] = field(default_factory=dict)
    mails: list[tuple[str, list[str], bytes]] = field(default_factory=list)

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.mails.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
        return "250 OK"


@asynccontextmanager
async def serving(
    mailbox: Mailbox, first_bytes_tls: ssl.SSLContext | None = None, **options: Any
) -> AsyncIterator[int]:
    """A real SMTP server; its port."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(mailbox, hostname="mail.test", loop=loop, **options), "127.0.0.1", 0, ssl=first_bytes_tls
    )
    yield server.sockets[0].getsockname()[1]
    server.close()


@dataclass(frozen=True, slots=True)
class Certificate:
    """For 127.0.0.1, signed by nobody else. `file` is what a client has to trust."""

    file: Path
    context: ssl.SSLContext


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    folder = tmp_path_factory.mktemp("certificate")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.test")])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    file, key_file = folder / "certificate.pem", folder / "key.pem"
    file.write_bytes(signed.public_bytes(pem))
    key_file.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file, key_file)
    return Certificate(file, context)


@pytest.fixture
def trusted(certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> Certificate:
    """The same certificate, and a client that trusts it."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.file))
    return certificate


def login(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    return AuthResult(success=(data.login, data.password) == (b"heed", PASSWORD.encode()), handled=False)


async def test_a_mail_arrives_byte_for_byte_for_everybody(transport: Transport) -> None:
    mailbox = Mailbox()
    async with serving(mailbox) as port:
        assert await transport(port).send(MAIL) == Accepted()
    assert mailbox.mails == [("rep@acme.example", ["ada@example.com", "bob@example.com"], MIME)]


async def test_some_recipients_may_be_refused_and_the_others_get_the_mail(transport: Transport) -> None:
    mailbox = Mailbox({"ada@example.com": "550 5.1.1 no such user"})
    async with serving(mailbox) as port:
        answered = await transport(port).send(MAIL)
    assert isinstance(answered, Accepted)
    assert [(each.address, each.code, each.temporary) for each in answered.refused] == [
        ("ada@example.com", "550", False)
    ]
    assert mailbox.mails == [("rep@acme.example", ["bob@example.com"], MIME)]


@pytest.mark.parametrize(
    ("ada", "bob", "temporary", "code"),
    [("550 no", "551 no", False, "550"), ("450 later", "450 later", True, "450"), ("550 no", "451 later", True, "451")],
)
async def test_when_all_recipients_are_refused_the_mildest_refusal_decides(
    transport: Transport, ada: str, bob: str, temporary: bool, code: str
) -> None:
    mailbox = Mailbox({"ada@example.com": ada, "bob@example.com": bob})
    async with serving(mailbox) as port:
        outcome = await transport(port).send(MAIL)
    assert isinstance(outcome, Refused)
    assert (outcome.temporary, outcome.code) == (temporary, code)
    assert mailbox.mails == []


async def test_what_the_server_says_is_told_without_addresses(transport: Transport) -> None:
    said = "550-5.1.1 <ada@example.com>: Recipient address rejected:\r\n550 5.1.1 no mailbox ada@example.com here"
    mailbox = Mailbox({"ada@example.com": said, "bob@example.com": said})
    async with serving(mailbox) as port:
        outcome = await transport(port).send(MAIL)
    assert isinstance(outcome, Refused)
    assert "Recipient address rejected" in outcome.text
    assert "@" not in outcome.text
    assert "\n" not in outcome.text


async def test_nobody_listening_is_a_refusal_for_now(transport: Transport) -> None:
    outcome = await transport(free_port()).send(MAIL)
    assert isinstance(outcome, Refused)
    assert (outcome.temporary, outcome.code) == (True, "connection")
    assert "could not be reached" in outcome.text


async def test_a_host_that_does_not_exist_is_a_refusal_for_now(transport: Transport) -> None:
    outcome = await transport(25, host="nowhere.invalid").send(MAIL)
    assert isinstance(outcome, Refused)
    assert (outcome.temporary, outcome.code) == (True, "connection")


@pytest.mark.parametrize("security", ["auto", "none"])
async def test_a_server_without_tls_is_used_unless_tls_is_demanded(transport: Transport, security: str) -> None:
    mailbox = Mailbox()
    async with serving(mailbox) as port:
        assert await transport(port, security=security).send(MAIL) == Accepted()


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_where_tls_is_demanded_and_not_offered_nothing_is_sent(transport: Transport, security: str) -> None:
    mailbox = Mailbox()
    async with serving(mailbox) as port:
        outcome = await transport(port, security=security, timeout="1").send(MAIL)
    assert isinstance(outcome, Refused)
    assert (outcome.temporary, outcome.code) == (True, "connection")
    assert mailbox.mails == []


@pytest.mark.parametrize("security", ["auto", "starttls"])
async def test_a_mail_goes_through_starttls(transport: Transport, trusted: Certificate, security: str) -> None:
    mailbox = Mailbox()
    async with serving(mailbox, tls_context=trusted.context, require_starttls=True) as port:
        assert await transport(port, security=security).send(MAIL) == Accepted()
    assert len(mailbox.mails) == 1


async def test_a_mail_goes_through_tls_from_the_first_byte(transport: Transport, trusted: Certificate) -> None:
    mailbox = Mailbox()
    async with serving(mailbox, trusted.context) as port:
        assert await transport(port, security="tls").send(MAIL) == Accepted()
    assert len(mailbox.mails) == 1


@pytest.mark.parametrize("security", ["auto", "starttls", "tls"])
async def test_a_certificate_that_nobody_vouches_for_is_not_taken(
    transport: Transport, certificate: Certificate, security: str
) -> None:
    mailbox = Mailbox()
    tls = {"first_bytes_tls" if security == "tls" else "tls_context": certificate.context}
    async with serving(mailbox, **tls) as port:
        outcome = await transport(port, security=security, user="heed", password=PASSWORD).send(MAIL)
    assert isinstance(outcome, Refused)
    assert (outcome.temporary, outcome.code) == (True, "connection")
    assert mailbox.mails == []


async def test_a_login_opens_the_server(transport: Transport, trusted: Certificate) -> None:
    mailbox = Mailbox()
    options: dict[str, Any] = {"tls_context": trusted.context, "authenticator": login, "auth_required": True}
    async with serving(mailbox, **options) as port:
        assert await transport(port, user="heed", password=PASSWORD).send(MAIL) == Accepted()
    assert len(mailbox.mails) == 1


async def test_a_login_that_is_refused_says_so_without_the_password(transport: Transport, trusted: Certificate) -> None:
    mailbox = Mailbox()
    options: dict[str, Any] = {"tls_context": trusted.context, "authenticator": login, "auth_required": True}
    async with serving(mailbox, **options) as port:
        outcome = await transport(port, user="heed", password="wrong secret").send(MAIL)
    assert isinstance(outcome, Refused)
    assert (outcome.temporary, outcome.code) == (True, "login")
    assert "refused the login" in outcome.text
    assert "secret" not in outcome.text
    assert mailbox.mails == []


async def test_a_server_that_offers_no_login_gets_no_mail_when_one_is_set(transport: Transport) -> None:
    mailbox = Mailbox()
    async with serving(mailbox) as port:
        outcome = await transport(port, user="heed", password=PASSWORD).send(MAIL)
    assert isinstance(outcome, Refused)
    assert (outcome.temporary, outcome.code) == (True, "login")
    assert "offers no AUTH" in outcome.text
    assert "may want TLS first" in outcome.text
    assert mailbox.mails == []


async def test_a_login_that_is_offered_by_unknown_methods_alone_says_which(transport: Transport) -> None:
    mailbox = Mailbox()
    options: dict[str, Any] = {"auth_require_tls": False, "auth_exclude_mechanism": ["LOGIN", "PLAIN"]}
    async with serving(mailbox, authenticator=login, **options) as port:
        outcome = await transport(port, user="heed", password=PASSWORD).send(MAIL)
    assert isinstance(outcome, Refused)
    assert (outcome.temporary, outcome.code) == (True, "login")


@pytest.mark.parametrize(("name", "greeted"), [(None, "heed.test"), ("mta7.acme.example", "mta7.acme.example")])
async def test_the_server_is_greeted_by_the_name_that_is_set(
    transport: Transport, name: str | None, greeted: str
) -> None:
    async with MailServer() as server:
        smtp = transport(server.port, **({"ehlo": name} if name else {}))
        assert await smtp.send(MAIL) == Accepted()
    assert server.greetings == [greeted]


async def test_many_mails_at_the_same_time_arrive_once_each(transport: Transport) -> None:
    mailbox = Mailbox()
    mails = [Envelope("rep@acme.example", ("ada@example.com",), b"Subject: %d\r\n\r\n" % each) for each in range(30)]
    async with serving(mailbox) as port:
        one = transport(port)
        assert await asyncio.gather(*(one.send(mail) for mail in mails)) == [Accepted()] * 30
    assert sorted(content for _, _, content in mailbox.mails) == sorted(mail.mime for mail in mails)
