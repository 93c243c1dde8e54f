"""A search of everything that a whole Heed keeps on this machine, for words in whatever form.

The recipients' mailboxes (the mail catcher) are not Heed's, and are not searched.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import html
import json
import quopri
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

from azure.servicebus import ServiceBusSubQueue
from azure.servicebus.aio import ServiceBusClient, ServiceBusReceiver
from azure.storage.blob.aio import BlobServiceClient
from azure.storage.queue.aio import QueueServiceClient

from infra.local.servers.azurite import Azurite
from infra.local.service_bus.process import connection_string
from infra.local.settings import development_connection_string
from lib.storage import Storage
from lib.storage.azure.account import Account
from lib.storage.azure.tables import azure_storage, close_storage
from lib.storage.layout import DUE, KINDS, ORGANIZATIONS, QUEUES, container, table
from lib.storage.protocols import EVERYTHING
from lib.storage.service_bus.namespace import Namespace
from lib.storage.service_bus.queues import ServiceBusQueues
from tests.end_to_end.running import Running

_AZURITE_PORT = re.compile(r"Azurite (\w+) service is successfully listening at http://127\.0\.0\.1:(\d+)")
_BROKER_PORT = re.compile(r"Service Bus listens at 127\.0\.0\.1:(\d+)")
_LINE_ENDS = re.compile(rb"=?\r?\n[ \t]*|\s")


@dataclass(frozen=True, slots=True)
class Servers:
    """What a running Heed writes to. `storage` speaks to the same servers."""

    connection_string: str
    azurite: Path
    """The folder in which Azurite keeps its data."""

    receivers: Mapping[str, ServiceBusReceiver]
    """For each queue of Service Bus and its dead letters, by name; opened once, as that takes the SDK a second."""

    storage: Storage
    host: Path
    """The host's folder: its output, and all that it writes beside storage."""

    async def places(self, organization: str) -> AsyncIterator[tuple[str, bytes]]:
        """Yield (name of the place, content) of all that can be read of the organization, and of what all share."""
        for name in (ORGANIZATIONS, DUE, *(table(organization, kind) for kind in KINDS)):
            async for row in self.storage.tables.query(name, EVERYTHING):
                text = "".join(str(value) for _, value in sorted(row.values.items()))
                yield f"{name} {row.partition} {row.key}", f"{row.partition} {row.key} {text}".encode()
        async with BlobServiceClient.from_connection_string(self.connection_string) as blobs:
            held = blobs.get_container_client(container(organization))
            # Snapshots, versions and deleted blobs, too.
            async for blob in held.list_blobs(include=["snapshots", "metadata", "uncommittedblobs"]):
                data = await (await held.download_blob(blob.name)).readall()
                yield f"blob {blob.name}", f"{blob.name} {blob.metadata}".encode() + b"\n" + data
        async for message in self.messages():
            yield message
        for file in sorted(self.host.rglob("*")):
            if file.is_file() and self.azurite not in file.parents:
                yield f"file {file.relative_to(self.host)}", file.read_bytes()

    async def messages(self) -> AsyncIterator[tuple[str, bytes]]:
        """Yield (queue, body) of every message: waiting, locked, delayed, poisoned or dead."""
        async with QueueServiceClient.from_connection_string(self.connection_string) as service:
            async for queue in service.list_queues():
                for message in await service.get_queue_client(queue.name).peek_messages(max_messages=32):
                    yield f"queue {queue.name}", _body_of(message.content)
        for name, receiver in self.receivers.items():
            for found in await receiver.peek_messages(max_message_count=250, sequence_number=1):
                yield f"queue {name}", b"".join(found.body) + str(found).encode()

    def on_disk(self, *words: str) -> list[str]:
        """The files of Azurite's in which one of the words stands: its lists of rows and blobs, and queue messages.

        Of the large files, only the parts are read that a list names. Hidden and delayed messages are among them, which
        no request shows. What Azurite has deleted stays in its large files until it collects its garbage.
        """
        found = []
        for index in sorted(self.azurite.glob("__azurite_db_*__.json")):
            text = index.read_text(encoding="utf-8")
            if any(word.lower() in text.lower() for word in words):
                found.append(index.name)
            if index.name == "__azurite_db_queue__.json":
                bodies = map(self._message_at, _places_in(json.loads(text)))
                found += ["a queue's message" for body in bodies if stands_in(body, words)]
        return found

    def _message_at(self, place: Mapping[str, Any]) -> bytes:
        """The body of the message that stands in that place of a large file."""
        data = (self.azurite / "__queuestorage__" / str(place["id"])).read_bytes()
        return _body_of(data[place["offset"] : place["offset"] + place["count"]].decode())

    async def remains(self, organization: str, *words: str) -> list[str]:
        """The places where any of the words stands, in whatever case and form."""
        return [
            f"{place}: {data[:2000]!r}" async for place, data in self.places(organization) if stands_in(data, words)
        ]


Searched = tuple[Running, Servers]
"""A running Heed, and the servers that it writes to."""


@asynccontextmanager
async def opened(heed: Running, azurite: Azurite | None = None) -> AsyncIterator[Searched]:
    """A Heed with its servers for the length of the block: the Azurite that it was given or its own, and its broker."""
    logs = heed.log.parent / "logs"
    connected, folder = (azurite.connection_string, azurite.location) if azurite else _own_azurite(heed.log.parent)
    storage = azure_storage(Account.parse(connected))
    broker = _BROKER_PORT.search(log.read_text()) if (log := logs / "service-bus.log").exists() else None
    async with AsyncExitStack() as stack:
        stack.push_async_callback(close_storage, storage)
        receivers = dict[str, ServiceBusReceiver]()
        if broker:
            bus = connection_string(int(broker[1]))
            queues = ServiceBusQueues(Namespace.parse(bus))
            stack.push_async_callback(queues.close)
            storage = replace(storage, queues=queues)
            client = await stack.enter_async_context(ServiceBusClient.from_connection_string(bus))
            dead = ServiceBusSubQueue.DEAD_LETTER
            for queue in QUEUES:
                receivers |= {queue: client.get_queue_receiver(queue)}
                receivers |= {f"{queue} dead": client.get_queue_receiver(queue, sub_queue=dead)}
        yield heed, Servers(connected, folder, receivers, storage, heed.log.parent)
        await asyncio.gather(*(each.close() for each in receivers.values()))


def _own_azurite(host: Path) -> tuple[str, Path]:
    """The connection string and the folder of the Azurite that a host has started."""
    ports = {kind: int(port) for kind, port in _AZURITE_PORT.findall((host / "logs" / "azurite.log").read_text())}
    return development_connection_string(ports["Blob"], ports["Queue"], ports["Table"]), host / "azurite"


def _body_of(content: str) -> bytes:
    """The body of a queue's message; of one that is in no base64, as tests of poisoned ones leave them, as it is."""
    try:
        return base64.b64decode(content, validate=True)
    except ValueError:
        return content.encode()


def stands_in(data: bytes, words: Sequence[str]) -> bool:
    """Whether one of the words stands in the data, in whatever case: as it is, escaped for a URL, HTML, JSON or a mail,
    in UTF-16, compressed, or in base64."""
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    text = data.decode("utf-8", "replace")
    forms = (
        text,
        html.unescape(text),
        html.unescape(html.unescape(text)),
        unquote_plus(text),
        unquote_plus(unquote_plus(text)),
        quopri.decodestring(data).decode("utf-8", "replace"),
        re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text),
        _LINE_ENDS.sub(b"", data).decode("utf-8", "replace"),
        text.replace("\0", ""),
    )
    lowered = [form.lower() for form in forms]
    unbroken = _LINE_ENDS.sub(b"", data)
    return any(
        any(word.lower() in form for form in lowered)
        or any(part in unbroken for spelled in {word, word.lower(), word.upper()} for part in _in_base64(spelled))
        for word in words
    )


def _in_base64(word: str) -> Iterator[bytes]:
    """The characters of the word in base64, behind any number of bytes; those that neighbors change are left out."""
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + word.encode())
        kept = encoded[0 if before == 0 else 4 :].rstrip(b"=")
        kept = kept[: len(kept) - 1]
        yield kept
        yield kept.translate(bytes.maketrans(b"+/", b"-_"))


def _places_in(value: Any) -> Iterator[dict[str, Any]]:
    """Places in extents that a list of Azurite's names, wherever they stand in it."""
    if isinstance(value, dict):
        if {"id", "offset", "count"} <= value.keys():
            yield value
        for each in value.values():
            yield from _places_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from _places_in(each)
