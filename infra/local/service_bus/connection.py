"""One client's connection: sessions and links of AMQP 1.0, as far as Service Bus's clients use them.

No flow control of sessions: both windows are so wide that nobody gets to their end. Any client may come in.
"""

import asyncio
import logging
import re
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from infra.local.service_bus.amqp_frames import (
    AMQP_HEADER,
    LARGEST_FRAME,
    SASL,
    SASL_HEADER,
    Frame,
    read_frame,
    read_header,
)
from infra.local.service_bus.amqp_values import AmqpError, Array, Described, Symbol, UByte, UInt, ULong, UShort
from infra.local.service_bus.management import answer_of
from infra.local.service_bus.messages import BATCH_FORMAT, read_batch, read_message
from infra.local.service_bus.queues import Broker, Queue

logger = logging.getLogger("heed.servicebus")

LARGEST_MESSAGE = 256 * 1024
"""The Standard tier's."""

EMPTY_FRAME = b"\x00\x00\x00\x08\x02\x00\x00\x00"

_CREDIT = 1000
_WINDOW = UInt(2**31 - 1)
_SENDER, _RECEIVER = False, True  # the roles of a link's ends
_PRESETTLED = 1
_ACCEPTED, _REJECTED, _RELEASED, _ERROR = 0x24, 0x25, 0x26, 0x1D
_FRAME_OVERHEAD = 512
_HOST = re.compile(r"^amqps?://[^/]+/")


@dataclass(slots=True)
class Link:
    """One way for messages; `address` is a queue's name, `$cbs`, or a queue's `/$management`."""

    handle: UInt
    address: str
    presettled: bool = False
    count: int = 0
    credit: int = 0
    drain: bool = False
    first: Frame | None = None
    received: bytearray = field(default_factory=bytearray)

    @property
    def is_management(self) -> bool:
        return self.address.endswith(("$cbs", "/$management"))


@dataclass(slots=True)
class Session:
    """`incoming` links bring us messages; both ends of a link use the same handle. `locks` are by delivery."""

    channel: int
    incoming: dict[int, Link] = field(default_factory=dict)
    outgoing: dict[int, Link] = field(default_factory=dict)
    locks: dict[int, tuple[Queue, UUID]] = field(default_factory=dict)
    next_delivery: int = 0


class Connection:
    """Serves one client until it goes."""

    def __init__(self, broker: Broker, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._broker = broker
        self._reader = reader
        self._writer = writer
        self._sessions: dict[int, Session] = {}
        self._largest_frame = LARGEST_FRAME

    async def serve(self) -> None:
        """Returns when the client has gone, or has said what nobody understands."""
        try:
            await self._greet()
            while await self._next():
                await self._writer.drain()
        except (EOFError, ConnectionError):
            pass
        except (AmqpError, LookupError, TypeError, ValueError) as error:
            logger.warning("A client was not understood: %r", error)
        finally:
            for session in self._sessions.values():
                self._forget(session)
            self._writer.close()

    def beat(self) -> None:
        """Let the client know that we live."""
        self._writer.write(EMPTY_FRAME)

    async def _greet(self) -> None:
        header = await read_header(self._reader)
        if header == SASL_HEADER:
            self._writer.write(SASL_HEADER)
            mechanisms = Array(Symbol(name) for name in ("ANONYMOUS", "MSSBCBS", "EXTERNAL", "PLAIN"))
            self._write(Frame("sasl-mechanisms", {"sasl-server-mechanisms": mechanisms}), SASL)
            await read_frame(self._reader)
            self._write(Frame("sasl-outcome", {"code": UByte(0)}), SASL)
            header = await read_header(self._reader)
        if header != AMQP_HEADER:
            raise AmqpError("a client of another protocol")
        self._writer.write(AMQP_HEADER)

    async def _next(self) -> bool:
        """Do what the next frame says; False when that was the end."""
        frame = await read_frame(self._reader)
        if frame is None:
            return True
        if frame.name == "open":
            self._open(frame)
        elif frame.name == "close":
            self._write(Frame("close"))
            return False
        elif frame.name == "begin":
            self._begin(frame)
        elif frame.channel in self._sessions:  # the SDK ends a session first, and then what was in it
            self._in_session(self._sessions[frame.channel], frame)
        return True

    def _open(self, frame: Frame) -> None:
        self._largest_frame = min(frame["max-frame-size"] or LARGEST_FRAME, LARGEST_FRAME)
        fields = {"container-id": "heed", "max-frame-size": UInt(LARGEST_FRAME), "channel-max": UShort(65_535)}
        self._write(Frame("open", fields))

    def _begin(self, frame: Frame) -> None:
        self._sessions[frame.channel] = Session(frame.channel)
        fields = {
            "remote-channel": UShort(frame.channel),
            "next-outgoing-id": UInt(0),
            "incoming-window": _WINDOW,
            "outgoing-window": _WINDOW,
            "handle-max": UInt(1023),
        }
        self._write(Frame("begin", fields, channel=frame.channel))

    def _in_session(self, session: Session, frame: Frame) -> None:
        if frame.name == "attach":
            self._attach(session, frame)
        elif frame.name == "flow":
            self._flow(session, frame)
        elif frame.name == "transfer":
            self._transfer(session, frame)
        elif frame.name == "disposition":
            self._disposition(session, frame)
        elif frame.name == "detach":
            self._detach(session, frame)
        elif frame.name == "end":
            self._forget(self._sessions.pop(session.channel))
            self._write(Frame("end", channel=session.channel))

    def _attach(self, session: Session, frame: Frame) -> None:
        receives = frame["role"] == _RECEIVER
        link = Link(
            handle=UInt(frame["handle"]),
            address=_address(frame["source" if receives else "target"]),
            presettled=frame["snd-settle-mode"] == _PRESETTLED,
        )
        same = ("name", "handle", "snd-settle-mode", "rcv-settle-mode", "source", "target")
        fields = {name: frame[name] for name in same}
        fields["role"] = not frame["role"]
        fields["max-message-size"] = ULong(LARGEST_MESSAGE)
        if receives:
            fields["initial-delivery-count"] = UInt(0)
            session.outgoing[link.handle] = link
        else:
            session.incoming[link.handle] = link
        self._write(Frame("attach", fields, channel=session.channel))
        if not receives:
            self._give_credit(session, link)
        elif not link.is_management:
            self._broker.queue(link.address).on_ready.add(self.pump)

    def _give_credit(self, session: Session, link: Link) -> None:
        link.credit = _CREDIT
        self._write_flow(session, link)

    def _write_flow(self, session: Session, link: Link) -> None:
        fields = {
            "next-incoming-id": UInt(0),
            "incoming-window": _WINDOW,
            "next-outgoing-id": UInt(session.next_delivery),
            "outgoing-window": _WINDOW,
            "handle": link.handle,
            "delivery-count": UInt(link.count),
            "link-credit": UInt(link.credit),
            "drain": link.drain,
        }
        self._write(Frame("flow", fields, channel=session.channel))

    def _flow(self, session: Session, frame: Frame) -> None:
        link = session.outgoing.get(frame["handle"])
        if link is None:
            return
        link.credit = (frame["delivery-count"] or 0) + (frame["link-credit"] or 0) - link.count
        link.drain = bool(frame["drain"])
        self.pump()
        if link.drain:
            link.count, link.credit = link.count + max(0, link.credit), 0
            self._write_flow(session, link)
            link.drain = False

    def pump(self) -> None:
        """Give every receiver what waits for it, as far as it wants that."""
        for session in self._sessions.values():
            for link in session.outgoing.values():
                while not link.is_management and link.credit > 0 and self._deliver(session, link):
                    pass

    def _deliver(self, session: Session, link: Link) -> bool:
        queue = self._broker.queue(link.address)
        taken = queue.take()
        if taken is None:
            return False
        token, stored, until = taken
        if link.presettled:
            queue.complete(token)
        else:
            session.locks[session.next_delivery] = queue, token
        payload = stored.message.encode(
            sequence=stored.sequence, enqueued=stored.enqueued, deliveries=stored.deliveries, locked_until=until
        )
        self._write_message(session, link, token.bytes_le, payload)
        return True

    def _write_message(self, session: Session, link: Link, tag: bytes, payload: bytes) -> None:
        size = self._largest_frame - _FRAME_OVERHEAD
        pieces = [payload[start : start + size] for start in range(0, len(payload), size)]
        for number, piece in enumerate(pieces):
            fields = {
                "handle": link.handle,
                "delivery-id": UInt(session.next_delivery),
                "delivery-tag": tag,
                "message-format": UInt(0),
                "settled": link.presettled or link.is_management,
                "more": number < len(pieces) - 1,
            }
            self._write(Frame("transfer", fields, piece, session.channel))
        session.next_delivery += 1
        link.count += 1
        link.credit -= 1

    def _transfer(self, session: Session, frame: Frame) -> None:
        link = session.incoming[frame["handle"]]
        link.first = link.first or frame
        link.received += frame.payload
        if frame["more"]:
            return
        first, raw = link.first, bytes(link.received)
        link.first, link.received = None, bytearray()
        outcome = self._take_in(session, link, first, raw)
        if not first["settled"]:
            fields = {"role": _RECEIVER, "first": first["delivery-id"], "settled": True, "state": outcome}
            self._write(Frame("disposition", fields, channel=session.channel))
        link.count += 1
        link.credit -= 1
        if link.credit <= _CREDIT // 2:
            self._give_credit(session, link)

    def _take_in(self, session: Session, link: Link, first: Frame, raw: bytes) -> Described:
        """What a client has sent: a request, a message, or many; returns what becomes of the delivery."""
        if len(raw) > LARGEST_MESSAGE:
            return _refusal("amqp:link:message-size-exceeded", f"A message has {LARGEST_MESSAGE} bytes at most.")
        if link.is_management:
            answer = answer_of(self._broker, link.address, raw)
            for back in session.outgoing.values():
                if back.address == link.address:
                    self._write_message(session, back, UUID(int=session.next_delivery).bytes, answer)
        else:
            queue = self._broker.queue(link.address)
            for message in read_batch(raw) if first["message-format"] == BATCH_FORMAT else [read_message(raw)]:
                queue.send(message)
        return Described(_ACCEPTED, [])

    def _disposition(self, session: Session, frame: Frame) -> None:
        """A receiver says what became of its deliveries."""
        if frame["role"] != _RECEIVER:
            return
        first, last = frame["first"], frame["last"]
        for number in range(first, (first if last is None else last) + 1):
            held = session.locks.pop(number, None)
            settled = held is not None and _settle(*held, frame["state"])
            if not frame["settled"]:
                # The same outcome says that it is done. An error in it would say that it is not.
                done = Described(frame["state"].descriptor, [])
                lost = _refusal("com.microsoft:message-lock-lost", "The lock has ended.")
                state = done if settled else lost
                fields = {"role": _SENDER, "first": UInt(number), "settled": True, "state": state}
                self._write(Frame("disposition", fields, channel=session.channel))

    def _detach(self, session: Session, frame: Frame) -> None:
        session.incoming.pop(frame["handle"], None)
        link = session.outgoing.pop(frame["handle"], None)
        if link is not None:
            self._stop_listening(link)
        fields = {"handle": frame["handle"], "closed": frame["closed"]}
        self._write(Frame("detach", fields, channel=session.channel))

    def _forget(self, session: Session) -> None:
        """Its locks last until they end: nobody knows whether the client goes on with its messages."""
        links, session.outgoing = session.outgoing, {}
        for link in links.values():
            self._stop_listening(link)

    def _stop_listening(self, link: Link) -> None:
        if link.is_management:
            return
        others = (other.address for session in self._sessions.values() for other in session.outgoing.values())
        if link.address not in others:
            self._broker.queue(link.address).on_ready.discard(self.pump)

    def _write(self, frame: Frame, kind: int = 0) -> None:
        self._writer.write(frame.encode(kind))


def _address(terminus: Any) -> str:
    """`queue`, from `amqps://host/Queue` in a source or a target."""
    if not isinstance(terminus, Described) or not isinstance(terminus.value[0], str):
        raise AmqpError("a link without an address")
    return _HOST.sub("", terminus.value[0]).lower()


def _settle(queue: Queue, token: UUID, state: Any) -> bool:
    """False where the lock has ended."""
    outcome = state.descriptor if isinstance(state, Described) else _RELEASED
    if outcome == _ACCEPTED:
        return queue.complete(token)
    if outcome == _RELEASED:
        return queue.release(token)
    if outcome == _REJECTED:
        error = state.value[0].value if state.value and state.value[0] else []
        info = (error[2] if len(error) > 2 else None) or {}
        said = {str(name): text for name, text in info.items()}
        return queue.dead_letter(token, said.get("DeadLetterReason"), said.get("DeadLetterErrorDescription"))
    return queue.abandon(token)


def _refusal(condition: str, text: str) -> Described:
    return Described(_REJECTED, [Described(_ERROR, [Symbol(condition), text, None])])
