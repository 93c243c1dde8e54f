"""Traces: one for each message, from the call that made it through queue and mail server to the recipient's click.

A message's id has 128 bits, and so has a trace's: the id of the message is that of its trace. So a message's trace is
found by the message, in whatever process a part of it was made. The call that makes the message is the root. Its span
has an id that follows from the message's, so that later spans name it as their parent without a word in any queue.

Nothing is imported before `use_tracing`, and before that a span costs a look at a variable. Spans hold ids and names of
functions: no address, no subject, no token. Errors are told by their type, as their texts may name what they are about.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Tracer

_NANOSECONDS = 1_000_000_000

_wanted: ContextVar[tuple[int, int] | None] = ContextVar("wanted_ids", default=None)
"""The ids of trace and span for the span that is being made; None for ids by chance."""

_tracer: Tracer | None = None


def use_tracing(provider: TracerProvider | None) -> None:
    """Make spans with this provider from now on; None makes none any more."""
    global _tracer
    if provider is None:
        _tracer = None
        return
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

    class MessageIds(RandomIdGenerator):
        """The ids that a span wants, else ids by chance."""

        def generate_trace_id(self) -> int:
            wanted = _wanted.get()
            return wanted[0] if wanted else super().generate_trace_id()

        def generate_span_id(self) -> int:
            wanted = _wanted.get()
            return wanted[1] if wanted else super().generate_span_id()

    provider.id_generator = MessageIds()
    _tracer = provider.get_tracer("heed")


@contextmanager
def message_span(message: str | None, name: str, *, is_root: bool = False, **attributes: str | int) -> Iterator[None]:
    """Have the block be a span of the message's trace, below the span that it runs in or below the root.

    `is_root`: the block makes the message. None for a message that is not known makes no span.
    """
    tracer = _tracer
    if tracer is None or message is None or (trace_id := _trace_id(message)) is None:
        yield
        return
    from opentelemetry.trace import Status, StatusCode, use_span

    wanted = _wanted.set((trace_id, _root_id(message)) if is_root else None)
    context = _empty() if is_root else _context(message, trace_id)
    try:
        span = tracer.start_span(name, context, attributes={"heed.message": message, **attributes})
    finally:
        _wanted.reset(wanted)
    with use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        try:
            yield
        except BaseException as error:
            span.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise


def note_event(message: str, name: str, key: str, at: datetime, until: datetime, **attributes: str | int) -> None:
    """Make a span of something that has happened to a message: from its time until it was judged.

    `key` names the event: one that comes again is the same span.
    """
    tracer = _tracer
    if tracer is None or (trace_id := _trace_id(message)) is None:
        return
    wanted = _wanted.set((trace_id, _span_id(f"{message} {key}")))
    try:
        context = _below_root(message, trace_id)
        shown = {"heed.message": message, **attributes}
        span = tracer.start_span(name, context, attributes=shown, start_time=_nanoseconds(at))
    finally:
        _wanted.reset(wanted)
    span.end(_nanoseconds(max(at, until)))


def _context(message: str, trace_id: int) -> Context | None:
    """None where the span that runs is one of the message's trace."""
    from opentelemetry.trace import get_current_span

    return None if get_current_span().get_span_context().trace_id == trace_id else _below_root(message, trace_id)


def _below_root(message: str, trace_id: int) -> Context:
    from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

    root = SpanContext(trace_id, _root_id(message), is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    return set_span_in_context(NonRecordingSpan(root), _empty())


def _empty() -> Context:
    from opentelemetry.context import Context

    return Context()


def _trace_id(message: str) -> int | None:
    """The id of a message's trace; None for what is no id, or that of no trace."""
    try:
        return int(message, 16) or None
    except ValueError:
        return None


def _root_id(message: str) -> int:
    return _span_id(message)


def _span_id(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8, person=b"heed-span").digest()) or 1


def _nanoseconds(at: datetime) -> int:
    return int(at.timestamp() * _NANOSECONDS)
