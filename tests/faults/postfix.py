"""A Postfix from Debian, with a configuration of its own, that Heed hands mail to and that delivers to a `MailServer`.

What it says of recipients and mails follows scripts, by way of its policy protocol; limits are its own
(https://www.postfix.org/SMTPD_POLICY_README.html).
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import mkdtemp

from infra.local.child import Child, free_port
from tests.support.mail_server import MailServer, Received

PATIENCE = 2.5
"""Seconds that Heed waits for an answer where one is left out: a busy machine gives all others in that time."""

_MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = /dev/stdout
myhostname = mail.test
mydestination =
local_recipient_maps =
alias_maps =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
relayhost = [127.0.0.1]:{sink}
smtp_dns_support_level = disabled
smtp_tls_security_level = none
smtp_address_preference = ipv4
smtpd_peername_lookup = no
smtpd_error_sleep_time = 0
smtpd_delay_reject = yes
smtpd_recipient_restrictions = check_policy_service inet:127.0.0.1:{policy}, permit
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_end_of_data_restrictions = check_policy_service inet:127.0.0.1:{policy}
"""

_MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""

_MASTER_PROGRAM = "/usr/lib/postfix/sbin/master"
_QUEUES = ("maildrop", "incoming", "active", "deferred")
_DIRECTORIES = (*_QUEUES, "bounce", "corrupt", "defer", "flush", "hold", "pid", "private", "public", "saved", "trace")
_AT_THE_END = "END-OF-MESSAGE"


def why_not() -> str | None:
    """Why Postfix cannot be started here; None where it can."""
    if shutil.which("postfix") is None:
        return "Postfix is not installed (apt-get install postfix)"
    return None if os.geteuid() == 0 else "Postfix is started by root alone"


class Postfix:
    """Answers each recipient, and each mail at its end, with the next of its script; takes it when none is left."""

    def __init__(self, delivered: Received, port: int) -> None:
        self._delivered = delivered
        self.mails = delivered.mails
        """What it delivered, by Message-ID."""
        self.asked: Counter[str] = Counter()
        """How many times each recipient was named."""
        self._port = port
        self._recipients: defaultdict[str, deque[str]] = defaultdict(deque)
        self._mails: deque[tuple[float, str]] = deque()
        self._thinking = 0
        self.folder = Path()

    @property
    def settings(self) -> Mapping[str, str]:
        """How Heed finds it."""
        return {"HEED_SMTP_HOST": "127.0.0.1", "HEED_SMTP_PORT": str(self._port), "HEED_SMTP_SECURITY": "none"}

    def will_say_of(self, recipient: str, *answers: str) -> None:
        """Add to what it says of a recipient, each time it is named: such as 450 4.2.0 with a text."""
        self._recipients[recipient] += answers

    def will(self, *answers: str) -> None:
        """Add to what it says of mails, at their end."""
        self._mails += [(0, answer) for answer in answers]

    def will_take_and_not_say_so(self) -> None:
        """Keep the next mail at last, but later than anybody waits whose timeout is PATIENCE."""
        self._mails.append((2 * PATIENCE, "250 OK"))

    def times(self, recipient: str) -> int:
        """How many mails that recipient has got."""
        return self._delivered.times(recipient)

    async def settle(self) -> None:
        """Wait until all that it took is delivered."""
        while self._is_busy():  # noqa: ASYNC110 - a queue of files tells nobody that it is empty
            await asyncio.sleep(0.05)

    def _is_busy(self) -> bool:
        queues = [self.folder / "queue" / queue for queue in _QUEUES]
        return self._thinking > 0 or any(path.is_file() for queue in queues for path in queue.rglob("*"))

    async def answer_policy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Postfix's questions: lines of name=value, ended by an empty one."""
        try:
            while asked := await _question(reader):
                writer.write(f"action={await self._action(asked)}\n\n".encode())
                await writer.drain()
        except (OSError, asyncio.CancelledError):
            pass  # Postfix, or the test, is at its end
        finally:
            writer.close()

    async def _action(self, asked: Mapping[str, str]) -> str:
        if asked["protocol_state"] == _AT_THE_END:
            seconds, said = self._mails.popleft() if self._mails else (0, "250 OK")
            self._thinking += 1
            await asyncio.sleep(seconds)
            self._thinking -= 1
            return _action(said)
        recipient = asked["recipient"]
        self.asked[recipient] += 1
        script = self._recipients[recipient]
        return _action(script.popleft() if script else "250 OK")


def _action(said: str) -> str:
    """Postfix says no answers of 250 for others: it goes on by itself."""
    return "DUNNO" if said.startswith("250") else said


async def _question(reader: asyncio.StreamReader) -> dict[str, str]:
    asked: dict[str, str] = {}
    while line := (await reader.readline()).decode().rstrip("\n"):
        name, _, value = line.partition("=")
        asked[name] = value
    return asked


@asynccontextmanager
async def running_postfix(**parameters: str | int) -> AsyncIterator[Postfix]:
    """A Postfix on a free port, with further parameters of main.cf; it ends with the block."""
    folder = _make_folder()
    async with MailServer() as sink:
        postfix = Postfix(sink, free_port())
        postfix.folder = folder
        policy = await asyncio.start_server(postfix.answer_policy, "127.0.0.1", 0)
        places = {"folder": folder, "sink": sink.port, "policy": policy.sockets[0].getsockname()[1]}
        _write_configuration(folder, places, postfix._port, parameters)
        # Postfix's master by itself: it ends with the tests, however they end.
        child = Child("Postfix", [_MASTER_PROGRAM, "-c", str(folder), "-s"], folder / "log")
        try:
            await asyncio.to_thread(child.wait_until, lambda: _answers(postfix._port))
            yield postfix
        finally:
            await asyncio.to_thread(child.stop)
            policy.close()
            shutil.rmtree(folder)


def _make_folder() -> Path:
    """Not in pytest's own folder: that is closed to the user that Postfix runs as."""
    folder = Path(mkdtemp(prefix="postfix-"))
    folder.chmod(0o755)
    return folder


def _write_configuration(
    folder: Path, places: Mapping[str, object], port: int, parameters: Mapping[str, str | int]
) -> None:
    further = "".join(f"{name} = {value}\n" for name, value in parameters.items())
    (folder / "main.cf").write_text(_MAIN.format(**places) + further)
    # Postfix waits for some seconds over a file that was changed just now.
    os.utime(folder / "main.cf", (0, 0))
    (folder / "master.cf").write_text(_MASTER.format(port=port))
    for name in ("data", *(f"queue/{name}" for name in _DIRECTORIES)):
        (folder / name).mkdir(parents=True)
        shutil.chown(folder / name, "root" if name == "queue/pid" else "postfix")


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as line:
            return line.recv(3) == b"220"
    except OSError:
        return False
