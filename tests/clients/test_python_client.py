"""What the client of Python adds to its generated code: retries, errors, pages, files, webhooks."""

from __future__ import annotations

import importlib
import io
import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from infra.local.child import ROOT
from lib.webhooks.signing import cloud_event, new_secret, signed_headers
from tests.clients.caller import Caller
from tests.clients.scripted_server import Scripted, scripted_server

MADE = Scripted(201, '{"token": "t", "expires_at": "2026-05-04T09:45:00Z"}')
SWITCHED = Scripted(200, '{"deleted": "w1"}')
BUSY = Scripted(
    503,
    '{"type": "x", "code": "unavailable", "title": "Service Unavailable", "status": 503, "detail": "Storage is down."}',
    {"Retry-After": "0", "X-Request-Id": "r1"},
)
BROKEN_OFF = Scripted(0)
GATEWAY_TIMEOUT = Scripted(504, "<html>gateway</html>", {"Content-Type": "text/html"})


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def caller(heed_client: ModuleType, request: pytest.FixtureRequest) -> Caller:
    options = {"user": "rita", "retries": heed_client.Retries(first_pause=0)}
    return Caller(heed_client, request.param, options=options)


async def test_a_busy_service_is_asked_again(caller: Caller) -> None:
    async with scripted_server(BUSY, BUSY, MADE) as server:
        made = await replace(caller, url=server.url).call("organizations.make_user_token", "rita")

    assert made.token == "t"
    assert made.expires_at == datetime(2026, 5, 4, 9, 45, tzinfo=UTC)
    assert len(server.asked) == 3


async def test_a_post_has_one_idempotency_key_in_all_its_attempts(caller: Caller) -> None:
    async with scripted_server(BROKEN_OFF, GATEWAY_TIMEOUT, MADE) as server:
        await replace(caller, url=server.url).call("organizations.make_user_token", "rita")

    [key] = {each.headers["Idempotency-Key"] for each in server.asked}
    assert len(server.asked) == 3
    assert len(key) == 32


async def test_two_calls_have_keys_of_their_own_and_a_callers_own_key_stays(caller: Caller) -> None:
    async with scripted_server(MADE) as server:
        await replace(caller, url=server.url).call("organizations.make_user_token", "rita")
        await replace(caller, url=server.url).call("organizations.make_user_token", "rita")
        await replace(caller, url=server.url).call("organizations.make_user_token", "rita", idempotency_key="mine")

    first, second, third = (each.headers["Idempotency-Key"] for each in server.asked)
    assert first != second
    assert third == "mine"


async def test_what_is_under_way_already_is_waited_for(caller: Caller) -> None:
    under_way = Scripted(409, '{"code": "in_progress"}', {"Retry-After": "0"})
    async with scripted_server(under_way, MADE) as server:
        assert (await replace(caller, url=server.url).call("organizations.make_user_token", "rita")).token == "t"


@pytest.mark.parametrize("lost", [BROKEN_OFF, GATEWAY_TIMEOUT])
async def test_a_deletion_whose_answer_is_lost_is_left_to_the_caller(
    caller: Caller, lost: Scripted, heed_client: ModuleType
) -> None:
    async with scripted_server(lost, SWITCHED) as server:
        with pytest.raises(Exception, match=r"504|disconnected|reset") as raised:
            await replace(caller, url=server.url).call("webhooks.delete_webhook", "w1")

    assert len(server.asked) == 1
    assert isinstance(raised.value, heed_client.HeedError) == (lost is GATEWAY_TIMEOUT)


async def test_a_deletion_that_was_not_begun_is_sent_again(caller: Caller) -> None:
    async with scripted_server(BUSY, SWITCHED) as server:
        assert (await replace(caller, url=server.url).call("webhooks.delete_webhook", "w1")).deleted == "w1"


async def test_a_change_of_a_version_is_not_repeated_when_its_answer_is_lost(
    caller: Caller, heed_client: ModuleType
) -> None:
    body = importlib.import_module("heed_client.generated.models").WebhookSpec(url="https://crm.example/hook")
    async with scripted_server(GATEWAY_TIMEOUT) as server:
        with pytest.raises(heed_client.HeedError):
            await replace(caller, url=server.url).call("webhooks.put_webhook", "w1", body=body, if_match='"v1"')
        assert len(server.asked) == 1
        with pytest.raises(heed_client.HeedError):
            await replace(caller, url=server.url).call("webhooks.put_webhook", "w1", body=body)

    assert len(server.asked) == 1 + 4


async def test_a_pause_that_is_too_long_is_left_to_the_caller(caller: Caller, heed_client: ModuleType) -> None:
    async with scripted_server(Scripted(429, '{"code": "rate_limited"}', {"Retry-After": "3600"})) as server:
        with pytest.raises(heed_client.HeedError, match="429 rate_limited"):
            await replace(caller, url=server.url).call("organizations.make_user_token", "rita")

    assert len(server.asked) == 1


async def test_a_service_that_stays_down_is_an_error_that_says_what_it_said(
    caller: Caller, heed_client: ModuleType
) -> None:
    async with scripted_server(BUSY) as server:
        with pytest.raises(heed_client.HeedError) as raised:
            await replace(caller, url=server.url).call("organizations.make_user_token", "rita")

    error = raised.value
    assert (error.status, error.code, error.detail, error.request_id) == (503, "unavailable", "Storage is down.", "r1")
    assert len(server.asked) == 4


async def test_an_error_names_the_fields_that_are_wrong(caller: Caller, heed_client: ModuleType) -> None:
    fault = {"loc": ["to", 0, "mail"], "code": "unknown_field", "msg": "there is no such field; did you mean email?"}
    async with scripted_server(Scripted(422, json.dumps({"code": "invalid", "errors": [fault]}))) as server:
        with pytest.raises(heed_client.HeedError) as raised:
            await replace(caller, url=server.url).call("organizations.make_user_token", "rita")

    assert raised.value.faults == (heed_client.FieldFault(("to", 0, "mail"), "unknown_field", fault["msg"]),)


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        ({"code": "invalid", "detail": "No."}, "422 invalid: No."),
        ({"code": "invalid", "detail": "No.", "errors": None}, "422 invalid: No."),
        ({"code": "invalid", "detail": "No.", "errors": "no list"}, "422 invalid: No."),
        ({"code": "invalid", "detail": "No.", "errors": {"loc": []}}, "422 invalid: No."),
        ({"code": "invalid", "detail": "No.", "errors": 7}, "422 invalid: No."),
        ({"code": "invalid", "detail": "No.", "errors": ["a", None, 1, ["loc"]]}, "422 invalid: No."),
        ({"code": None, "detail": None, "errors": []}, "422 unknown: Unprocessable"),
        ({"code": ["invalid"], "detail": {"a": 1}}, "422 unknown: Unprocessable"),
        ({}, "422 unknown: Unprocessable"),
    ],
)
async def test_an_error_whose_fields_are_odd_is_an_error_without_them(
    caller: Caller, heed_client: ModuleType, problem: dict[str, object], said: str
) -> None:
    async with scripted_server(Scripted(422, json.dumps(problem))) as server:
        with pytest.raises(heed_client.HeedError, match=said) as raised:
            await replace(caller, url=server.url).call("organizations.make_user_token", "rita")

    assert raised.value.faults == ()


async def test_of_a_field_that_is_half_told_the_rest_is_filled_in(caller: Caller, heed_client: ModuleType) -> None:
    errors = [{}, {"loc": None, "msg": None}, {"loc": "to", "code": 5}, {"loc": ["to", None, 0], "msg": "no"}]
    async with scripted_server(Scripted(422, json.dumps({"code": "invalid", "errors": errors}))) as server:
        with pytest.raises(heed_client.HeedError) as raised:
            await replace(caller, url=server.url).call("organizations.make_user_token", "rita")

    fault = heed_client.FieldFault
    assert raised.value.faults == (*[fault((), "invalid", "")] * 3, fault(("to", 0), "invalid", "no"))


async def test_an_answer_that_is_nested_too_deeply_is_an_error(caller: Caller, heed_client: ModuleType) -> None:
    async with scripted_server(Scripted(422, "[" * 200_000)) as server:
        with pytest.raises(heed_client.HeedError, match="422 unknown"):
            await replace(caller, url=server.url).call("organizations.make_user_token", "rita")


@pytest.mark.parametrize("body", ["<html>Bad gateway</html>", "[]", ""])
async def test_an_error_of_a_proxys_is_an_error_all_the_same(
    caller: Caller, heed_client: ModuleType, body: str
) -> None:
    async with scripted_server(Scripted(403, body)) as server:
        with pytest.raises(heed_client.HeedError, match="403 unknown: Forbidden"):
            await replace(caller, url=server.url).call("organizations.make_user_token", "rita")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_an_error_and_nothing_is_sent_where_it_leads(
    caller: Caller, heed_client: ModuleType, status: int
) -> None:
    async with scripted_server(MADE) as elsewhere:
        leading = Scripted(status, json.dumps({"items": []}), {"Location": f"{elsewhere.url}/api/orgs/acme/users"})
        async with scripted_server(leading) as server:
            with pytest.raises(heed_client.HeedError, match=f"{status} unknown: .*leads to {elsewhere.url}") as raised:
                await replace(caller, url=server.url).call("organizations.make_user_token", "rita")

    assert raised.value.code == "unknown"
    assert (len(server.asked), elsewhere.asked) == (1, [])


async def test_a_page_of_a_proxys_is_an_error_whatever_its_status(caller: Caller, heed_client: ModuleType) -> None:
    sign_in = Scripted(200, "<html>Sign in</html>", {"Content-Type": "text/html; charset=utf-8"})
    async with scripted_server(sign_in) as server:
        with pytest.raises(heed_client.HeedError, match=r"200 unknown: .*HTML"):
            await replace(caller, url=server.url).call("organizations.list_keys")


async def test_a_page_of_heeds_own_is_no_error(caller: Caller) -> None:
    headers = {"Content-Type": "text/html; charset=utf-8", "X-Request-Id": "r1"}
    async with scripted_server(Scripted(200, "<html>Preview</html>", headers)) as server:
        shown = await replace(caller, url=server.url).call("templates.preview_template", "t1")

    assert "Preview" in str(shown)


async def test_a_list_that_leads_to_itself_ends_with_an_error(caller: Caller, heed_client: ModuleType) -> None:
    async with scripted_server(key_page(["a"], "2")) as server:
        with pytest.raises(heed_client.HeedError, match="never end"):
            await replace(caller, url=server.url).items("organizations.list_keys")
    async with scripted_server(Scripted(200, '{"items": [], "next": "2", "more": true}')) as server:
        with pytest.raises(heed_client.HeedError, match="never end"):
            await replace(caller, url=server.url).changes()

    assert len(server.asked) == 2


async def test_a_file_is_sent_again_whole(caller: Caller) -> None:
    file = importlib.import_module("heed_client.generated.types").File(io.BytesIO(b"%PDF-1.7"))
    added = '{"id": "f1", "cid": "logo"}'
    async with scripted_server(BUSY, Scripted(201, added)) as server:
        await replace(caller, url=server.url).call("attachments.add_image", "m1", body=file, filename="a.png")

    assert [each.body for each in server.asked] == [b"%PDF-1.7"] * 2


async def test_each_call_has_the_key_and_the_acting_user(caller: Caller) -> None:
    async with scripted_server(MADE) as server:
        await replace(caller, url=server.url).call("organizations.make_user_token", "a/b")
        await replace(caller, url=server.url).call("organizations.make_user_token", "a/b", x_heed_user="boss")

    first, second = server.asked
    assert first.path == "/api/orgs/acme/users/a/b/tokens"
    assert first.headers["Authorization"] == "Bearer k"
    assert first.headers["User-Agent"].startswith("heed-client")
    assert (first.headers["X-Heed-User"], second.headers["X-Heed-User"]) == ("rita", "boss")


def key_page(names: list[str], following: str | None) -> Scripted:
    made = {"scope": "full", "created_at": "2026-05-04T09:00:00Z", "last_used_at": None}
    items = [{"id": name, "name": name, **made} for name in names]
    return Scripted(200, json.dumps({"items": items, "next": following}))


async def test_a_list_is_read_to_its_end_over_pages_that_are_short_or_empty(caller: Caller) -> None:
    async with scripted_server(key_page(["a", "b"], "2"), key_page([], "3"), key_page(["c"], None)) as server:
        found = await replace(caller, url=server.url).items("organizations.list_keys", limit=2)

    assert [each.name for each in found] == ["a", "b", "c"]
    assert [each.query for each in server.asked] == [
        {"limit": "2"},
        {"limit": "2", "cursor": "2"},
        {"limit": "2", "cursor": "3"},
    ]


async def test_the_feed_is_read_from_a_cursor_until_there_is_no_more(caller: Caller) -> None:
    pages = [
        Scripted(200, '{"items": [], "next": "2", "more": true}'),
        Scripted(200, '{"items": [], "next": "3", "more": false}'),
    ]
    async with scripted_server(*pages) as server:
        read = await replace(caller, url=server.url).changes("1")

    assert [page.next_ for page in read] == ["2", "3"]
    assert [each.query["after"] for each in server.asked] == ["1", "2"]


@pytest.mark.parametrize("url", ["http://heed.example", "http://127.0.0.1.heed.example", "ftp://127.0.0.1", "heed"])
def test_a_key_is_not_sent_in_the_clear(heed_client: ModuleType, url: str) -> None:
    for client in (heed_client.Heed, heed_client.AsyncHeed):
        with pytest.raises(ValueError, match="use https"):
            client(url, "k", "acme")


def test_https_and_this_machine_are_good_addresses(heed_client: ModuleType) -> None:
    for url in ("https://heed.example/", "http://localhost:7071", "http://[::1]:7071", "http://127.0.0.1"):
        heed_client.Heed(url, "k", "acme")


EVENT = {
    "id": "e1", "type": "message.opened", "at": "2026-05-04T09:30:00Z", "message": "m1", "event": None, "count": 1,
    "recipient": "ada@example.com", "record": None, "verdict": None, "kpis": None, "card": None,
    "metadata": {"deal": "7"},
}  # fmt: skip


def delivery(
    secret: str, data: Any = EVENT, kind: str = "message.opened", age: int = 0
) -> tuple[bytes, dict[str, str]]:
    """A delivery as Heed makes it: body and headers."""
    now = datetime.now(UTC) - timedelta(seconds=age)
    body = cloud_event("https://heed.example/api/orgs/acme", "e1", kind, None, now, data)
    return body, signed_headers([secret], "e1", body, now)


def test_a_delivery_that_heed_signed_is_read(heed_client: ModuleType) -> None:
    secret = new_secret()
    body, headers = delivery(secret)

    found = heed_client.verify_delivery(body, headers, new_secret(), secret)

    assert (found.id, found.type, found.event.message) == ("e1", "message.opened", "m1")
    assert found.event.metadata.additional_properties == {"deal": "7"}


def test_a_test_delivery_has_no_event(heed_client: ModuleType) -> None:
    secret = new_secret()
    body, headers = delivery(secret, {"webhook": "crm"}, "webhook.test")

    assert heed_client.verify_delivery(body, headers, secret).event is None


@pytest.mark.parametrize("signature", ["", "v1", "v1,", "v1,%%%", "v1,AAAA", "v2,AAAA", "v1,AAAA v1,ää"])
def test_a_delivery_with_another_signature_is_refused(heed_client: ModuleType, signature: str) -> None:
    secret = new_secret()
    body, headers = delivery(secret)
    with pytest.raises(heed_client.UnverifiedDelivery):
        heed_client.verify_delivery(body, {**headers, "webhook-signature": signature}, secret)


def test_an_old_a_changed_and_an_unreadable_delivery_are_refused(heed_client: ModuleType) -> None:
    secret = new_secret()
    body, headers = delivery(secret)
    for sent, its_headers in (delivery(secret, age=360), (body.replace(b"m1", b"m2"), headers), (b"\xff", headers)):
        with pytest.raises(heed_client.UnverifiedDelivery):
            heed_client.verify_delivery(sent, its_headers, secret)
    with pytest.raises(heed_client.UnverifiedDelivery, match="no secret"):
        heed_client.verify_delivery(body, headers)


def test_the_types_of_calls_hold(python_client: Path) -> None:
    face = sorted((python_client / "heed_client").glob("*.py"))
    callers = [ROOT / "tests/clients/typed_calls.py", ROOT / "clients/python/examples/dataverse_sync.py"]
    options = ["--strict", "--follow-imports=silent", "--ignore-missing-imports", "--config-file", ""]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *options, *(str(path) for path in [*face, *callers])],
        cwd=python_client,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
