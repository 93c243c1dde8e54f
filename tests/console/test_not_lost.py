"""Forms that do not get through: what was typed is never lost, and nothing is read before its sender is known."""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import urlencode

import pytest

from lib.storage import Row, Unavailable, Upsert
from lib.storage.documents import pack
from lib.storage.layout import ORGANIZATION_ROW, ORGANIZATIONS
from tests.console.site import FORM, Visitor
from tests.console.test_settings import Administrator
from tests.console.test_writing import MAIL
from tests.console.world import World
from tests.support.heed import ADMIN_KEY, Heed, Response

WORDS = "Dear Bob,\r\nwords that took an hour <b>\r\nRita"


def token_of(page: str) -> str:
    return page.partition('name="form_token" value="')[2].partition('"')[0]


def once_more(answer: Response) -> tuple[str, dict[str, str]]:
    """The path and the fields of the form by which the same is sent once more."""
    page = answer.body.decode()
    form = page.partition("<main")[2]
    [(action, fields)] = re.findall(r'<form method="post" action="/console/([^"]*)">(.*?)Send it once more', form, re.S)
    found = re.findall(r'name="([^"]+)" value="([^"]*)"', fields)
    return html.unescape(action), {html.unescape(name): html.unescape(value) for name, value in found}


def take_down(monkeypatch: pytest.MonkeyPatch, heed: Heed, *names: str) -> None:
    async def down(*arguments: Any) -> None:
        raise Unavailable("storage does not answer")

    for name in names:
        monkeypatch.setattr(type(heed.storage.tables), name, down)


@pytest.mark.parametrize("names", [("read_row",), ("write_rows",)], ids=["before the session", "at the write"])
async def test_while_storage_is_down_what_was_typed_is_kept_and_sent_once_more(
    rita: Visitor, monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...]
) -> None:
    token = token_of(await rita.page("write"))
    typed = {**MAIL, "body": WORDS, "act": "check", "form_token": token}
    with monkeypatch.context() as outage:
        take_down(outage, rita.heed, *names)
        answer = await rita.post_raw("write/new", typed)

    assert answer.status == 503
    assert "words that took an hour &lt;b&gt;" in answer.body.decode()
    assert "data-refresh-page" not in answer.body.decode()  # a page that sends a form again by itself
    path, fields = once_more(answer)
    assert (path, fields) == ("write/new", typed)
    sent = await rita.post_raw(path, fields)
    assert sent.headers["location"].endswith("/check")


async def test_a_draft_that_was_made_is_not_made_twice_by_sending_once_more(
    rita: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def down(*arguments: Any, **named: Any) -> None:
        raise Unavailable("storage does not answer")

    with monkeypatch.context() as outage:
        outage.setattr("functions.console.screens.write.save_files", down)
        answer = await rita.post("write/new", {**MAIL, "act": "save"})

    path, fields = once_more(answer)
    assert re.fullmatch(r"write/[0-9a-f]{32}", path)
    await rita.post_raw(path, fields)
    found = (await rita.heed.get("/messages?status=draft"))["items"]
    assert [each["subject"] for each in found].count("Your offer") == 1


async def test_a_form_of_a_draft_that_is_gone_shows_what_was_typed(world: World, rita: Visitor) -> None:
    await world.heed.api("DELETE", f"/messages/{world.draft}")

    answer = await rita.post(f"write/{world.draft}", {**MAIL, "body": WORDS, "act": "save"})

    assert answer.status == 404
    assert "words that took an hour" in answer.body.decode()
    assert "Copy what you need from here." in answer.body.decode()


async def test_a_form_of_settings_is_kept_while_storage_is_down(heed: Heed, monkeypatch: pytest.MonkeyPatch) -> None:
    key = (await heed.request("POST", "/api/orgs/acme/keys", {"scope": "admin"}, key=ADMIN_KEY)).json["key"]
    admin = Administrator(heed)
    await admin.sign_in(key=key)
    token = token_of(await admin.page("settings/users/new"))
    typed = {"id": "u1", "email": "u1@acme.example", "name": "Änne <x>", "time_zone": "UTC", "form_token": token}
    typed["inbound"] = "replies"
    with monkeypatch.context() as outage:
        take_down(outage, heed, "write_rows")
        answer = await admin.post_raw("settings/users/save", typed)

    assert answer.status == 503
    path, fields = once_more(answer)
    assert (await admin.post_raw(path, fields)).status == 303
    assert (await heed.get("/users/u1"))["name"] == "Änne <x>"


async def test_a_form_of_a_session_that_has_ended_shows_what_was_typed(heed: Heed, visitor: Visitor) -> None:
    token = token_of(await visitor.page("write"))
    heed.clock.move(hours=13)

    answer = await visitor.post_raw("write/new", {**MAIL, "body": WORDS, "form_token": token})

    assert answer.status == 401
    assert "words that took an hour" in answer.body.decode()
    assert "Send it once more" not in answer.body.decode()


async def test_a_form_of_another_session_is_shown_and_cannot_be_sent(visitor: Visitor) -> None:
    answer = await visitor.post_raw("write/new", {**MAIL, "body": WORDS, "form_token": "0" * 32})

    assert answer.status == 403
    assert "words that took an hour" in answer.body.decode()
    assert "Send it once more" not in answer.body.decode()


async def test_an_organization_that_is_being_restored_is_closed_to_its_sessions(heed: Heed, visitor: Visitor) -> None:
    token = token_of(await visitor.page("write"))
    found = await heed.services.organizations.load_organization("acme")
    assert found is not None
    closed = found[0].model_copy(update={"restored_from": "2026-05-01"})
    await heed.storage.tables.write_rows(ORGANIZATIONS, [Upsert(Row("acme", ORGANIZATION_ROW, pack(closed)))])

    assert (await heed.api("GET", "/messages")).status == 503
    for path in ("", "messages", "messages?format=csv", "options", "people"):
        assert (await visitor.get(path)).status == 503, path
    answer = await visitor.post_raw("write/new", {**MAIL, "form_token": token})
    assert (answer.status, once_more(answer)[0]) == (503, "write/new")
    signing_in = await Visitor(heed).sign_in()
    assert signing_in.status == 503
    assert "set-cookie" not in signing_in.headers


async def test_nothing_of_a_form_is_read_before_its_sender_is_known(
    heed: Heed, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*arguments: Any) -> None:
        raise AssertionError("the form was read")

    monkeypatch.setattr("functions.console.posts.read_fields", read)
    large = b"a=" + b"x" * 1_000_000
    for path in ("write/new", "track", "cards/c/dismiss", "operator/rejudge"):
        assert (await heed.request("POST", f"/console/{path}", large, headers=FORM)).status == 303, path
        sent = {**FORM, "cookie": visitor.cookie, "sec-fetch-site": "cross-site"}
        assert (await heed.request("POST", f"/console/{path}", large, headers=sent)).status == 403, path
    for path in ("sign-in", "operator/sign-in"):
        assert (await heed.request("POST", f"/console/{path}", large, headers=FORM)).status == 413, path


async def test_a_form_that_is_too_large_is_refused_by_its_header(visitor: Visitor) -> None:
    for path, size, status in [
        ("write/new", 31 * 1024 * 1024, 413),
        ("settings/keys", 31 * 1024 * 1024, 413),
        ("cards/c/dismiss", 3 * 1024 * 1024, 413),
        ("cards/c/dismiss", 100, 403),
    ]:
        answer = await visitor.post_raw(path, {}, content_length=f"{size}")
        assert answer.status == status, path


async def test_a_large_form_is_read_away_from_the_loop(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []
    run = type(visitor.heed.services.off_loop).run

    async def noting(self: Any, organization: str, size: int, job: Any, *arguments: Any) -> Any:
        if job.__name__ == "read_fields":
            taken.append(size)
        return await run(self, organization, size, job, *arguments)

    monkeypatch.setattr(type(visitor.heed.services.off_loop), "run", noting)
    content = bytes(range(256)) * 1_000
    answer = await visitor.post_files("write/new", [*MAIL.items(), ("act", "save")], [("file", "a.bin", content)])

    assert answer.status == 303
    assert taken[-1] > len(content)
    message = re.findall(r"[0-9a-f]{32}", answer.headers["location"])[0]
    [file] = (await visitor.heed.get(f"/messages/{message}/attachments"))["items"]
    assert file["size"] == len(content)


async def test_a_large_form_waits_for_no_place(visitor: Visitor) -> None:
    """One that finds no place is told to come again, with what was typed in it."""
    with visitor.heed.services.uploads.place("acme", 31_000_000):
        token = token_of(await visitor.page("write"))
        fields = {**MAIL, "body": "word " * 300_000, "form_token": token}
        headers = {**FORM, "cookie": visitor.cookie}
        answer = await visitor.heed.request("POST", "/console/write/new", urlencode(fields).encode(), headers=headers)
    assert answer.status == 503
