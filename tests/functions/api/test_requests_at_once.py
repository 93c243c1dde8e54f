"""Many requests for one version of a thing, at once: one of them changes it, and the others are told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.support.cards import RECORD, TOMORROW, cards, opened
from tests.support.disturbed import at_once, shared_heed
from tests.support.heed import ADMIN_KEY, Heed, Response
from tests.support.pictures import png

LAGS = [0, 2, 9]
LATER = "2026-05-06T07:00:00Z"

Make = Callable[[Heed], Awaitable[tuple[str, str]]]
"""Makes a thing; its path, and its version."""


async def draft(heed: Heed) -> tuple[str, str]:
    message = await heed.get(f"/messages/{await heed.draft()}")
    return f"/messages/{message['id']}", message["etag"]


async def waiting(heed: Heed) -> tuple[str, str]:
    path, _ = await draft(heed)
    await heed.put(f"{path}/schedule", {"deliver_at": TOMORROW})
    return path, (await heed.post(f"{path}/send"))["etag"]


async def with_file(heed: Heed) -> tuple[str, str]:
    path, _ = await draft(heed)
    file = await heed.post(f"{path}/attachments?filename=a.txt&followed=true", b"old")
    return f"{path}/attachments/{file['id']}", (await heed.get(path))["etag"]


async def sent_with_file(heed: Heed) -> tuple[str, str]:
    path, _ = await with_file(heed)
    message = path.rpartition("/attachments")[0]
    await heed.post(f"{message}/send")
    await heed.work()
    return path, (await heed.get(message))["etag"]


async def user(heed: Heed) -> tuple[str, str]:
    return "/users/rep1", (await heed.get("/users/rep1"))["etag"]


async def record(heed: Heed) -> tuple[str, str]:
    return "/records/contact/c1", (await heed.put("/records/contact/c1", {"name": "Ada"}))["etag"]


async def template(heed: Heed) -> tuple[str, str]:
    made = await heed.put("/templates/t1", {"name": "T", "language": "en", "subject": "0"})
    return "/templates/t1", made["etag"]


async def card(heed: Heed) -> tuple[str, str]:
    await opened(heed)
    [there] = await cards(heed)
    path = f"/cards/{there['id']}"
    return path, (await heed.get(path, x_heed_user="rep1"))["etag"]


def numbered(name: str) -> Callable[[int], Any]:
    return lambda number: {name: f"{number}"}


def same(body: Any) -> Callable[[int], Any]:
    return lambda _: body


CHANGES: list[tuple[Make, str, str, Callable[[int], Any]]] = [
    (draft, "PATCH", "", numbered("subject")),
    (draft, "PATCH", "", same({"subject": "same"})),
    (draft, "PUT", "/schedule", same({"deliver_at": TOMORROW})),
    (draft, "DELETE", "/schedule", same(None)),
    (draft, "PUT", "/reminder", same({"title": "t", "condition": "always", "at": LATER})),
    (draft, "DELETE", "/reminder", same(None)),
    (draft, "POST", "/send", same(None)),
    (draft, "POST", "/prepare", same(None)),
    (draft, "POST", "/attachments?filename=b.txt", lambda number: b"%d" % number),
    (draft, "POST", "/images?filename=b.png", same(png())),
    (draft, "DELETE", "", same(None)),
    (waiting, "PUT", "/schedule", same({"deliver_at": LATER})),
    (waiting, "DELETE", "/schedule", same(None)),
    (waiting, "DELETE", "", same(None)),
    (with_file, "PUT", "", lambda number: b"%d" % number),
    (with_file, "PUT", "", same(b"same")),
    (with_file, "PATCH", "", same({"followed": False})),
    (with_file, "PATCH", "", same({"revoked": True})),
    (with_file, "DELETE", "", same(None)),
    (sent_with_file, "PUT", "", lambda number: b"%d" % number),
    (sent_with_file, "PUT", "", same(b"same")),
    (sent_with_file, "PATCH", "", same({"revoked": True})),
    (sent_with_file, "PATCH", "", same({"expires_at": LATER})),
    (user, "PUT", "", lambda number: {"email": "rep@acme.example", "name": f"{number}"}),
    (user, "PATCH", "", numbered("name")),
    (record, "PUT", "", numbered("name")),
    (record, "PATCH", "", numbered("name")),
    (template, "PUT", "", lambda number: {"name": "T", "language": "en", "subject": f"{number}"}),
    (template, "PUT", "", lambda number: {"name": f"T{number}", "language": "en", "subject": "0"}),
    (template, "DELETE", "", same(None)),
    (card, "POST", "/dismiss", same(None)),
    (card, "POST", "/snooze", same({})),
    (card, "POST", "/call", same(None)),
    (card, "POST", "/feedback", same({"useful": True})),
]


@pytest.mark.parametrize("lag", LAGS)
@pytest.mark.parametrize(
    ("make", "method", "way", "body"),
    CHANGES,
    ids=[f"{number}-{make.__name__}-{method}{way}" for number, (make, method, way, _) in enumerate(CHANGES)],
)
async def test_of_six_for_one_version_one_wins(
    make: Make, method: str, way: str, body: Callable[[int], Any], lag: int
) -> None:
    heed = await shared_heed()
    path, etag = await make(heed)

    async def change(number: int) -> Response:
        return await heed.api(method, path + way, body(number), if_match=etag, x_heed_user="rep1")

    answers = await at_once(change, 6, lag)

    won = [answer for answer in answers if answer.status in (200, 201, 202)]
    # What was deleted is not there; what was done says so.
    others = {404, 412} if method == "DELETE" else {409, 412} if make is card else {412}
    assert len(won) == 1, [(answer.status, answer.body) for answer in answers]
    assert {answer.status for answer in answers} <= {200, 201, 202, *others}


@pytest.mark.parametrize("lag", LAGS)
async def test_of_six_changes_of_an_organization_one_wins(lag: int) -> None:
    heed = await shared_heed()
    path = "/api/orgs/acme"
    etag = (await heed.request("GET", path, key=ADMIN_KEY)).json["etag"]

    for method in ("PUT", "PATCH"):

        async def change(number: int, method: str = method, etag: str = etag) -> Response:
            return await heed.request(method, path, {"name": f"{number}"}, key=ADMIN_KEY, headers={"if-match": etag})

        answers = await at_once(change, 6, lag)
        assert sorted(answer.status for answer in answers) == [200, 412, 412, 412, 412, 412]
        etag = (await heed.request("GET", path, key=ADMIN_KEY)).json["etag"]


@pytest.mark.parametrize("lag", LAGS)
async def test_of_six_calls_from_one_card_one_is_made(lag: int) -> None:
    heed = await shared_heed()
    path, _ = await card(heed)

    answers = await at_once(lambda _: heed.api("POST", f"{path}/call", x_heed_user="rep1"), 6, lag)

    assert sorted(answer.status for answer in answers) == [201, 409, 409, 409, 409, 409]
    activities = (await heed.get(f"/records/{RECORD['type']}/{RECORD['id']}/activities"))["items"]
    assert [each["kind"] for each in activities].count("call") == 1
    again = await heed.api("POST", f"{path}/call", x_heed_user="rep1")
    assert again.status == 409
    activities = (await heed.get(f"/records/{RECORD['type']}/{RECORD['id']}/activities"))["items"]
    assert [each["kind"] for each in activities].count("call") == 1


@pytest.mark.parametrize("lag", LAGS)
async def test_a_file_is_what_the_one_who_won_made_of_it(lag: int) -> None:
    heed = await shared_heed()
    path, etag = await with_file(heed)

    async def change(number: int) -> Response:
        return await heed.api("PUT", path, b"x" * (number + 10), if_match=etag)

    answers = await at_once(change, 6, lag)

    [won] = [number for number, answer in enumerate(answers) if answer.status == 200]
    [file] = (await heed.get(path.rpartition("/")[0]))["items"]
    assert file["size"] == won + 10


async def test_a_file_of_a_mail_that_is_being_sent_keeps_its_version() -> None:
    heed = await shared_heed()
    path, _ = await with_file(heed)
    message = path.split("/")[2]
    await heed.post(f"/messages/{message}/send")
    loaded = await heed.services.messages.load("acme", message)
    assert loaded is not None
    on_its_way = loaded.message.model_copy(update={"state": "submitting"})
    await heed.services.messages.change("acme", on_its_way, loaded.etag)

    etag = (await heed.get(f"/messages/{message}"))["etag"]
    refused = await heed.api("PATCH", path, {"revoked": True}, if_match=etag)
    revoked = await heed.api("PATCH", path, {"revoked": True})

    assert (refused.status, revoked.status) == (409, 200)
    assert (await heed.get(f"/messages/{message}"))["etag"] == etag


@pytest.mark.parametrize("lag", LAGS)
async def test_users_who_opt_in_at_once_have_all_opted_in(lag: int) -> None:
    heed = await shared_heed()
    for number in range(120):
        await heed.put(f"/users/u{number}", {"email": "u@acme.example"})

    async def opt_in(number: int) -> Response:
        users = [f"u{each}" for each in range(number * 10, number * 10 + 70)]
        return await heed.api("POST", "/users/opt-in", {"users": users, "opt_in": True})

    answers = await at_once(opt_in, 6, lag)

    assert [answer.status for answer in answers] == [200] * 6
    assert sum(answer.json["changed"] for answer in answers) == 120
    users = (await heed.get("/users?limit=200"))["items"]
    assert all(user["opt_in"] for user in users)


async def test_a_mail_that_changed_while_it_was_deleted_stays_in_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    heed = await shared_heed()
    message = await heed.draft()
    remove = heed.services.lists.remove

    async def remove_late(*arguments: Any) -> None:
        await remove(*arguments)
        with monkeypatch.context() as patch:
            patch.setattr(heed.services.lists, "remove", remove)
            assert (await heed.api("PATCH", f"/messages/{message}", {"subject": "Other"})).status == 200

    monkeypatch.setattr(heed.services.lists, "remove", remove_late)

    assert (await heed.api("DELETE", f"/messages/{message}")).status == 409
    assert [each["subject"] for each in (await heed.get("/messages"))["items"]] == ["Other"]
