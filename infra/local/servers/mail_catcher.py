"""Starts MailDev: an SMTP server that keeps every mail to itself, with an inbox for the browser."""

import http.client
import smtplib
from dataclasses import dataclass
from pathlib import Path

from infra.local.child import Child, free_port, node_program
from infra.local.errors import StartError

USUAL_SMTP_PORT = 1025
USUAL_WEB_PORT = 1080
TRIES = 3
_LISTENING = "MailDev SMTP Server running"
"""What it writes when it has both of its ports; without one it ends."""


@dataclass(frozen=True, slots=True)
class MailCatcher:
    """A running MailDev."""

    child: Child
    smtp_host: str
    smtp_port: int
    web_url: str
    """The inbox for people and, under `/email`, for programs."""

    mails: Path
    """The folder with the mails, each as `<name>.eml`."""

    def stop(self) -> None:
        """End the server; the mails stay on disk."""
        self.child.stop()


def start_mail_catcher(data_dir: Path) -> MailCatcher:
    """Start MailDev, on its usual ports if free, its mails under the folder; wait until it answers."""
    for number in range(1, TRIES + 1):
        try:
            return _start(data_dir)
        except StartError:
            # Another program may take a port between the look and the start.
            if number == TRIES:
                raise
    raise AssertionError


def _start(data_dir: Path) -> MailCatcher:
    mails = data_dir / "mail"
    mails.mkdir(parents=True, exist_ok=True)
    smtp_port, web_port = free_port(USUAL_SMTP_PORT), free_port(USUAL_WEB_PORT)
    command = [node_program("maildev"), "--ip", "127.0.0.1", "--web-ip", "127.0.0.1"]
    command += ["--smtp", str(smtp_port), "--web", str(web_port), "--mail-directory", str(mails)]
    child = Child("MailDev", command, data_dir / "logs" / "maildev.log")
    # Its own word first: where another MailDev was quicker to take a port, that one would answer.
    child.wait_until(lambda: _LISTENING in child.output() and _takes_mail(smtp_port) and _shows_mail(web_port))
    return MailCatcher(child, "127.0.0.1", smtp_port, f"http://127.0.0.1:{web_port}", mails)


def _takes_mail(port: int) -> bool:
    try:
        with smtplib.SMTP("127.0.0.1", port, timeout=5):
            return True
    except (OSError, smtplib.SMTPException):
        return False


def _shows_mail(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
