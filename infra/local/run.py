"""Starts everything that Heed needs on this machine, then Heed, and ends it all together."""

import asyncio
import contextlib
import fcntl
import logging
import os
import secrets
import signal
import socket
import sys
from argparse import ArgumentParser, ArgumentTypeError
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import FrameType
from typing import NoReturn

import uvloop

from infra.local.child import ROOT, Child, free_port
from infra.local.errors import StartError
from infra.local.files import write_private
from infra.local.front import Front
from infra.local.host.application import load_application
from infra.local.host.host import Host, bind
from infra.local.host.host_json import read_host_json
from infra.local.mail_pickup import MailPickup
from infra.local.parts import start_parts
from infra.local.running import noted
from infra.local.servers.azurite import start_azurite
from infra.local.servers.mail_catcher import MailCatcher, start_mail_catcher
from infra.local.service_bus.process import start_service_bus
from infra.local.settings import expand_development_storage, read_settings_file

DEFAULT_PORT = "7071"
DEFAULT_DATA_DIR = ".local"
DEFAULT_QUEUE_LEASE_SECONDS = "600"
DEFAULT_SMTP_PORT = "587"
"""The application's own default."""

STORAGE_SETTING = "AzureWebJobsStorage"
SERVICE_BUS_SETTING = "HEED_SERVICEBUS"
PICKUP_SETTING = "HEED_MAIL_PICKUP"
TOKEN_KEY_BYTES = 64


def main(arguments: Sequence[str]) -> int:
    """Run the app until Ctrl-C or SIGTERM. Returns the exit code: 0 for an end that was asked for, 1 for any other."""
    parser = ArgumentParser("python -m infra.local", description="Run Heed with storage and a mail catcher here.")
    parser.add_argument(
        "folder", nargs="?", type=_app_folder, default=ROOT, help="folder of the app (default: this one)"
    )
    parser.add_argument("--parts", action="store_true", help="run its three parts as processes behind a front")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with contextlib.ExitStack() as ending:
            return _start(options.folder, ending, in_parts=options.parts)
    except KeyboardInterrupt:
        return 0
    except StartError as error:
        return _complain(error)
    except Exception as error:
        # The application says so of its own settings. By name, so that this host does not depend on the app.
        if not any(kind.__name__ == "SettingsError" for kind in type(error).__mro__):
            raise
        return _complain(error)


def _app_folder(text: str) -> Path:
    """Return the folder of an app. Raises ArgumentTypeError for a folder without one."""
    folder = Path(text).resolve()
    if not (folder / "host.json").is_file():
        raise ArgumentTypeError(f"{folder} holds no host.json, so it is no app's folder")
    return folder


def _start(folder: Path, ending: contextlib.ExitStack, *, in_parts: bool) -> int:
    for name, value in read_settings_file(folder / "local.settings.json").items():
        os.environ.setdefault(name, value)
    port = _number("HEED_PORT", DEFAULT_PORT)
    lease = timedelta(seconds=_number("HEED_QUEUE_LEASE", DEFAULT_QUEUE_LEASE_SECONDS))
    data_dir = (folder / os.environ.get("HEED_DATA_DIR", DEFAULT_DATA_DIR)).resolve()
    listening = ending.enter_context(_taken_port(port, data_dir))
    children: list[Child] = []
    with _writing_to(data_dir, port):
        ending.enter_context(_locked(data_dir, port))
        _set_defaults(port, data_dir)
        ending.callback(_stop_all, children)
        ending.callback(_ignore_signals)
        _start_storage(data_dir, children)
        _start_service_bus(data_dir, children)
        catcher = _start_mail_catcher(data_dir, children)
        pickup = _mail_pickup(port, catcher, data_dir)
    if (os.environ.get("HEED_FUNCTIONS") or "all") == "all":
        ending.enter_context(noted(data_dir, os.environ))
    _say("Starting Heed …")
    make_server: Callable[[], Host | Front]
    if in_parts:
        urls = start_parts(folder, data_dir, children)
        make_server = partial(Front, urls["recipients"], urls["crm"])
    else:
        options, application = read_host_json(folder / "host.json"), load_application(folder)
        make_server = partial(Host, application, options, os.environ, data_dir, queue_lease=lease)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(make_server, listening, catcher, pickup, children))


async def _run(
    make_server: Callable[[], Host | Front],
    listening: socket.socket,
    catcher: MailCatcher | None,
    pickup: MailPickup | None,
    children: list[Child],
) -> int:
    """Run the server until the end; the exit code."""
    stop, server = _stop_on_signals(), make_server()
    await server.start(listening)
    part = os.environ.get("HEED_FUNCTIONS") or "all"
    if part == "all":
        _say(f"Heed is ready: {os.environ['HEED_BASE_URL']}")
        for line in _inbox(catcher):
            _say(line)
        _say(f"Console:       {os.environ['HEED_BASE_URL']}/console/")
        _say(f"Admin key:     {os.environ['HEED_ADMIN_KEY']}")
    else:
        host, port = listening.getsockname()[:2]
        _say(f"The part {part} is ready: http://{host}:{port}")
    async with _picking_up(pickup):
        exit_code = await _until_the_end(stop, children)
    _say("Stopping …")
    await server.stop()
    # Here, while the loop still catches signals: storage is writing what it holds.
    _stop_all(children)
    return exit_code


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


async def _until_the_end(stop: asyncio.Event, children: list[Child]) -> int:
    """Wait for a signal (exit code 0) or for the end of a child (1)."""
    while not stop.is_set():
        for child in children:
            if not child.running:
                print(f"{child.name} has ended: {child.last_words()}", file=sys.stderr)
                return 1
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 0.5)
    return 0


def _start_storage(data_dir: Path, children: list[Child]) -> None:
    given = os.environ.get(STORAGE_SETTING)
    if given:
        os.environ[STORAGE_SETTING] = expand_development_storage(given)
        return
    _say("Starting storage (Azurite) …")
    azurite = start_azurite(data_dir)
    children.append(azurite.child)
    os.environ[STORAGE_SETTING] = azurite.connection_string


def _start_service_bus(data_dir: Path, children: list[Child]) -> None:
    """Start the loopback broker where the settings ask for Service Bus and name no namespace."""
    given = any(
        os.environ.get(name) for name in (SERVICE_BUS_SETTING, f"{SERVICE_BUS_SETTING}__fullyQualifiedNamespace")
    )
    if given or os.environ.get("HEED_QUEUES") != "servicebus":
        return
    _say("Starting Service Bus (a loopback broker) …")
    child, os.environ[SERVICE_BUS_SETTING] = start_service_bus(data_dir)
    children.append(child)


def _start_mail_catcher(data_dir: Path, children: list[Child]) -> MailCatcher | None:
    """Start the catcher, unless a mail server is given."""
    if os.environ.get("HEED_SMTP_HOST"):
        return None
    _say("Starting the mail catcher (MailDev) …")
    catcher = start_mail_catcher(data_dir)
    children.append(catcher.child)
    os.environ["HEED_SMTP_HOST"] = catcher.smtp_host
    os.environ["HEED_SMTP_PORT"] = str(catcher.smtp_port)
    return catcher


def _inbox(catcher: MailCatcher | None) -> list[str]:
    """Return the lines that say where mail goes, and where it can be read."""
    if catcher is None:
        host, port = os.environ["HEED_SMTP_HOST"], os.environ.get("HEED_SMTP_PORT", DEFAULT_SMTP_PORT)
        return [f"Inbox:         none, mail goes out through {host}:{port}"]
    return [
        f"Mail server:   smtp://{catcher.smtp_host}:{catcher.smtp_port}",
        f"Inbox:         {catcher.web_url}",
    ]


def _mail_pickup(port: int, catcher: MailCatcher | None, data_dir: Path) -> MailPickup | None:
    """Return the pickup of what the catcher takes; None where it is switched off. Raises StartError."""
    chosen = os.environ.get(PICKUP_SETTING) or "on"
    if chosen not in ("on", "off"):
        raise StartError(f"{PICKUP_SETTING} must be on or off, not {chosen}.")
    if catcher is None or chosen == "off":
        return None
    return MailPickup(f"http://127.0.0.1:{port}", os.environ["HEED_ADMIN_KEY"], catcher, data_dir)


@contextlib.asynccontextmanager
async def _picking_up(pickup: MailPickup | None) -> AsyncIterator[None]:
    """Pick up caught mail for the length of the block."""
    task = asyncio.create_task(pickup.run()) if pickup else None
    try:
        yield
    finally:
        if task:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


def _set_defaults(port: int, data_dir: Path) -> None:
    os.environ.setdefault("AZURE_FUNCTIONS_ENVIRONMENT", "Development")
    os.environ.setdefault("HEED_BASE_URL", f"http://127.0.0.1:{port}")
    os.environ.setdefault("HEED_ADMIN_KEY", "local-admin")
    os.environ.setdefault("HEED_TRUSTED_HOPS", "0")
    # Mail ends in the catcher, and where there is no DNS each one would wait for it.
    os.environ.setdefault("HEED_MX_LOOKUP", "off")
    os.environ.setdefault("HEED_LOOPBACK", "on")
    if not os.environ.get("HEED_TOKEN_KEYS"):
        os.environ["HEED_TOKEN_KEYS"] = token_keys(data_dir / "token-keys")


def token_keys(path: Path) -> str:
    """Return the keys of the tokens in mail. They are made once: links in old mail must go on working."""
    if not path.exists():
        key = urlsafe_b64encode(secrets.token_bytes(TOKEN_KEY_BYTES)).decode()
        write_private(path, f"k1:{key}\n")
    return path.read_text(encoding="utf-8").strip()


def _number(name: str, default: str) -> int:
    text = os.environ.get(name) or default
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise StartError(f"{name} must be a number from 1 to 65535, not {text}.")
    return int(text)


@contextlib.contextmanager
def _taken_port(port: int, data_dir: Path) -> Iterator[socket.socket]:
    """Take the port before anything is started, so that of two copies that start at once one ends."""
    try:
        taken = bind(port)
    except PermissionError:
        raise StartError(f"Port {port} is not for everyone; choose another: HEED_PORT=7071 make run") from None
    except OSError:
        other = f"HEED_PORT={free_port(min(port + 1, 65535))}"
        raise StartError(
            f"Port {port} is in use; choose another: {other} make run; "
            f"beside a Heed that runs from this folder: {other} HEED_DATA_DIR={data_dir.name}-2 make run"
        ) from None
    with taken:
        yield taken


@contextlib.contextmanager
def _writing_to(data_dir: Path, port: int) -> Iterator[None]:
    """Name the data folder where it cannot be made or written. Raises StartError."""
    try:
        yield
    except OSError as error:
        if error.filename is None or not _is_about(Path(os.fsdecode(error.filename)), data_dir):
            raise
        raise StartError(
            f"The data folder {data_dir} cannot be used ({error.filename}: {error.strerror}); "
            f"choose another: HEED_PORT={port} HEED_DATA_DIR=/tmp/heed make run"
        ) from None


def _is_about(path: Path, data_dir: Path) -> bool:
    """Whether the path lies in the data folder, or on the way to it."""
    return path == data_dir or data_dir in path.parents or path in data_dir.parents


@contextlib.contextmanager
def _locked(data_dir: Path, port: int) -> Iterator[None]:
    """Keep the data folder to this copy of Heed; the lock ends with the process, however it ends."""
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            owner = file.read().strip() or "unknown"
            raise StartError(
                f"{data_dir} is in use by another Heed (process {owner}); "
                f"choose another folder: HEED_PORT={port} HEED_DATA_DIR={data_dir.name}-2 make run"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _stop_all(children: list[Child]) -> None:
    """End what is still running, the last started first."""
    for child in reversed(children):
        child.stop()


def _ignore_signals() -> None:
    """Let no second Ctrl-C cut the end short."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _say(line: str) -> None:
    print(line, flush=True)


def _complain(error: Exception) -> int:
    print(error, file=sys.stderr)
    return 1
