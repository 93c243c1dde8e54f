"""One trace for each message, from the CRM's POST through queue and mail server to the recipient's click."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from infra.packaging.build import ROOT
from lib.tracing import message_span, use_tracing
from tests.support.heed import SETTINGS, Heed
from tests.support.leaks import SpanLook, watch_spans


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    provider.add_span_processor(SpanLook())
    use_tracing(provider)
    yield exporter
    watch_spans()


def trace_id(span: ReadableSpan) -> str:
    return f"{span.get_span_context().trace_id:032x}"  # type: ignore[union-attr]


def tree_of(spans: InMemorySpanExporter, message: str) -> dict[str, str | None]:
    """Names of the spans of a message's trace, each with the name of its parent; None for one that has none."""
    found = [span for span in spans.get_finished_spans() if trace_id(span) == message]
    names = {span.get_span_context().span_id: span.name for span in found}  # type: ignore[union-attr]
    return {span.name: names[span.parent.span_id] if span.parent else None for span in found}


async def clicked(heed: Heed) -> str:
    message = await heed.sent(to=[{"email": "ada@example.com", "name": "Ada Lovelace"}], subject="Secret offer")
    await heed.hit(heed.urls("o")[0])
    await heed.hit(heed.urls("c")[0])
    await heed.work()
    return message


async def test_post_queue_mail_server_and_click_are_one_tree(spans: InMemorySpanExporter) -> None:
    heed = await Heed().start()
    message = await clicked(heed)

    tree = tree_of(spans, message)

    post, send = "POST /api/orgs/{org}/messages", "POST /api/orgs/{org}/messages/{message}/send"
    assert tree == {
        post: None,
        send: post,
        "queue outbox": post,
        "hand over": "queue outbox",
        "open": post,
        "click": post,
    }


async def test_a_trace_holds_no_address_and_no_token(spans: InMemorySpanExporter) -> None:
    heed = await Heed().start()
    await clicked(heed)
    await heed.api("PUT", "/records/contact/c1", {"emails": ["ada@example.com"]})

    said = " ".join(span.to_json() for span in spans.get_finished_spans()).lower()

    tokens = [path.rpartition("/")[2].removesuffix(".gif").lower() for kind in "oc" for path in heed.urls(kind)]
    words = ["ada", "lovelace", "secret offer", "@", heed.key.lower(), "https://example.com", *tokens]
    assert [word for word in words if word in said] == []


async def test_two_messages_have_two_traces_and_a_repeated_event_is_one_span(spans: InMemorySpanExporter) -> None:
    heed = await Heed().start()
    first, second = await clicked(heed), await clicked(heed)
    clicks = [span for span in spans.get_finished_spans() if span.name == "click"]

    assert {trace_id(span) for span in clicks} == {first, second}
    spans.clear()
    await heed.hit(heed.urls("c")[0])
    waiting = list(heed.storage.queues.waiting)  # type: ignore[attr-defined]
    await heed.work()
    for each in waiting:
        await heed.hand_over(each.queue, each.body)
    again = [span for span in spans.get_finished_spans() if span.name == "click"]
    assert len({span.get_span_context().span_id for span in again}) == 1  # type: ignore[union-attr]


async def test_an_error_is_told_by_its_type_alone(spans: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="ada"), message_span("a" * 32, "work"):
        raise ValueError("ada@example.com was refused")

    [span] = spans.get_finished_spans()
    assert (span.status.description, span.events) == ("ValueError", ())


async def test_nothing_is_traced_before_it_is_switched_on(spans: InMemorySpanExporter) -> None:
    use_tracing(None)
    heed = await Heed().start()
    message = await clicked(heed)

    assert (await heed.get(f"/messages/{message}"))["status"] == "sent"
    assert spans.get_finished_spans() == ()


@pytest.mark.parametrize("part", ["", "recipients"])
def test_no_start_and_no_pixel_waits_for_the_libraries_of_traces(part: str) -> None:
    insights = "InstrumentationKey=00000000-0000-0000-0000-000000000001;IngestionEndpoint=http://127.0.0.1:9/"
    settings = {**SETTINGS, "PATH": os.environ["PATH"], "APPLICATIONINSIGHTS_CONNECTION_STRING": insights}
    started = "import function_app, sys; print([name for name in sys.modules if 'opentelemetry' in name])"
    more = {"HEED_FUNCTIONS": part} if part else {}
    ran = subprocess.run(
        [sys.executable, "-c", started],
        cwd=ROOT,
        env={**settings, **more},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ran.stdout, ran.returncode) == ("[]\n", 0), ran.stderr


def test_traces_start_with_the_settings_of_an_app_and_turn_library_spans_off() -> None:
    insights = "InstrumentationKey=00000000-0000-0000-0000-000000000001;IngestionEndpoint=http://127.0.0.1:9/"
    settings = {**SETTINGS, "PATH": os.environ["PATH"], "APPLICATIONINSIGHTS_CONNECTION_STRING": insights}
    script = (
        "from lib.settings import load_settings\n"
        "from lib.operations.telemetry import start_telemetry\n"
        "import lib.tracing, os\n"
        "from azure.core.settings import settings\n"
        "start_telemetry(load_settings())\n"
        "print(lib.tracing._tracer is not None, settings.tracing_enabled(), flush=True)\n"
        "os._exit(0)\n"  # without a last try to send
    )
    for traces, said in (("on", "True False"), ("off", "False False")):
        ran = subprocess.run(
            [sys.executable, "-c", script],
            cwd=ROOT,
            env={**settings, "HEED_TRACES": traces},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ran.stdout.strip() == said, ran.stderr
