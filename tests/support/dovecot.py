"""A Dovecot from Debian, with a configuration of its own, whose mailboxes Heed polls."""

from __future__ import annotations

import imaplib
import os
import re
import shutil
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import mkdtemp

from infra.local.child import Child, free_port
from tests.support.certificates import make_certificate, trusting

PASSWORD = 'pass word, "quoted" \\ and päss'

_CONFIGURATION = """
protocols = imap
base_dir = {folder}/run
log_path = /dev/stderr
ssl = required
ssl_cert = <{certificate}
ssl_key = <{key}
auth_mechanisms = plain login
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=anyone {folder}/users
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={folder}/mail/%u
}}
first_valid_uid = 1
mail_location = maildir:~/Maildir
rawlog_dir = {folder}/mail/%u/commands
namespace inbox {{
  inbox = yes
  separator = /
}}
service imap-login {{
  inet_listener imap {{
    address = 127.0.0.1
    port = {starttls}
  }}
  inet_listener imaps {{
    address = 127.0.0.1
    port = {tls}
    ssl = yes
  }}
}}
"""


def why_not() -> str | None:
    """Why Dovecot cannot be started here; None where it can."""
    if shutil.which("dovecot") is None:
        return "Dovecot is not installed (apt-get install dovecot-imapd)"
    return None if os.geteuid() == 0 else "Dovecot is started by root alone"


class Dovecot:
    """Every user has the password `PASSWORD`."""

    def __init__(self, folder: Path, certificate: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.starttls_port = free_port()
        self.trust: ssl.SSLContext = trusting(certificate)

    def add_user(self, name: str, *folders: str) -> None:
        """Make a mailbox, and folders beside its INBOX."""
        commands = self.folder / "mail" / name / "commands"
        commands.mkdir(parents=True)
        for each in (commands.parent, commands):
            shutil.chown(each, "nobody", "nogroup")
        with self.session(name) as session:
            for folder in folders:
                session.create(f'"{folder}"')

    @contextmanager
    def session(self, user: str) -> Iterator[imaplib.IMAP4_SSL]:
        """Another client of the mailbox's."""
        session = imaplib.IMAP4_SSL("127.0.0.1", self.port, ssl_context=self.trust)
        session.authenticate("PLAIN", lambda _: f"\0{user}\0{PASSWORD}".encode())
        try:
            yield session
        finally:
            session.logout()

    def deliver(
        self, user: str, raw: bytes, folder: str = "INBOX", *, flags: str = "", at: datetime | None = None
    ) -> None:
        """Put a mail into a folder."""
        with self.session(user) as session:
            when = imaplib.Time2Internaldate(at.timestamp()) if at else ""
            answer, said = session.append(f'"{folder}"', flags, when, raw)
            assert answer == "OK", said

    def move(self, user: str, mail: str, source: str, target: str) -> None:
        """Move the mails whose subject holds these words."""
        with self.session(user) as session:
            session.select(f'"{source}"')
            _, [numbers] = session.search(None, "SUBJECT", f'"{mail}"')
            for number in numbers.split():
                session.copy(number.decode(), f'"{target}"')
                session.store(number.decode(), "+FLAGS", "\\Deleted")
            session.expunge()

    def flag(self, user: str, mail: str, flag: str) -> None:
        """Set a flag or keyword of the mails of the INBOX whose subject holds these words."""
        with self.session(user) as session:
            session.select()
            _, [numbers] = session.search(None, "SUBJECT", f'"{mail}"')
            for number in numbers.split():
                session.store(number.decode(), "+FLAGS", flag)

    def renumber(self, user: str) -> None:
        """Forget the INBOX's UIDs, as after a restored backup: UIDVALIDITY changes."""
        maildir = self.folder / "mail" / user / "Maildir"
        for path in maildir.iterdir():
            if path.name.startswith(("dovecot-uidlist", "dovecot.index")):
                path.unlink()

    def commands(self, user: str) -> list[str]:
        """The commands after the logins of all sessions so far, without their tags; forgotten afterwards."""
        found = []
        for path in sorted((self.folder / "mail" / user / "commands").glob("*.in")):
            lines = re.findall(rb"^(?:[0-9.]+ )?[A-P]{4}[0-9]+ ([^\r\n]+)", path.read_bytes(), re.MULTILINE)
            found += [line.decode() for line in lines]
            path.unlink()
        return found


@contextmanager
def running_dovecot() -> Iterator[Dovecot]:
    """A Dovecot on free ports; it ends with the block."""
    folder = Path(mkdtemp(prefix="dovecot-"))
    folder.chmod(0o755)
    (folder / "mail").mkdir()
    (folder / "users").write_text(f"anyone:{{PLAIN}}{PASSWORD}\n")
    certificate, key = make_certificate(folder, "localhost", "127.0.0.1")
    dovecot = Dovecot(folder, certificate)
    (folder / "dovecot.conf").write_text(
        _CONFIGURATION.format(
            folder=folder, certificate=certificate, key=key, tls=dovecot.port, starttls=dovecot.starttls_port
        )
    )
    child = Child("Dovecot", ["dovecot", "-F", "-c", str(folder / "dovecot.conf")], folder / "log")
    try:
        child.wait_until(lambda: _answers(dovecot.port))
        yield dovecot
    finally:
        child.stop()
        shutil.rmtree(folder)


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
