"""Where people see their own mail alone: by tokens of theirs they find nothing of their colleagues' mail."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.heed import ADMIN_KEY, Heed, Response

RECORD = {"type": "contact", "id": "c1"}


class Tom:
    """The user rep2, who asks with a token, in an organization where people see their own mail."""

    def __init__(self, heed: Heed, token: str, message: str) -> None:
        self.heed = heed
        self.token = token
        self.colleagues = message
        """A message of the user rep1."""

    async def ask(self, path: str, method: str = "GET", body: Any = None) -> Response:
        return await self.heed.request(method, f"/api/orgs/acme{path}", body, key=self.token)


@pytest.fixture
async def tom() -> Tom:
    heed = await Heed().start(people_see="own_mail")
    await heed.put("/users/rep2", {"email": "two@acme.example", "name": "Tom", "opt_in": True})
    ada = {"email": "ada@example.com", "name": "Ada", "record": RECORD}
    message = await heed.sent(to=[ada], subject="Secret")
    await heed.draft(**{"from": "rep2"}, subject="Mine", to=[ada])
    token = (await heed.post("/users/rep2/tokens"))["token"]
    return Tom(heed, token, message)


async def test_lists_hold_the_own_mail_alone(tom: Tom) -> None:
    for query in ("", "?view=all", "?owner=rep2", "?record=contact/c1", "?record=contact/c1&q=e", "?q=e"):
        subjects = [each["subject"] for each in (await tom.ask(f"/messages{query}")).json["items"]]
        assert subjects == ["Mine"], query
    internet_id = (await tom.heed.get(f"/messages/{tom.colleagues}"))["message_id"]
    assert (await tom.ask(f"/messages?message_id={internet_id}")).json["items"] == []


async def test_the_list_of_a_colleague_is_refused(tom: Tom) -> None:
    assert (await tom.ask("/messages?owner=rep1")).status == 403


@pytest.mark.parametrize("path", ["", "/timeline", "/recipients", "/attachments"])
async def test_a_colleagues_message_is_not_there(tom: Tom, path: str) -> None:
    assert (await tom.ask(f"/messages/{tom.colleagues}{path}")).status == 404


async def test_nor_is_its_conversation_and_it_cannot_be_answered(tom: Tom) -> None:
    assert (await tom.ask(f"/conversations/{tom.colleagues}")).status == 404
    draft = {"from": "rep2", "in_reply_to": tom.colleagues, "text": "x"}
    assert (await tom.ask("/messages", "POST", draft)).status == 422


async def test_a_records_activities_tell_that_a_mail_went_and_no_more(tom: Tom) -> None:
    found = (await tom.ask("/records/contact/c1/activities")).json["items"]

    assert {(each["title"], each["message"] is None) for each in found} == {
        ("Mine", False),
        ("A mail of another user", True),
    }


async def test_the_report_of_scanner_noise_leaves_colleagues_mail_out(tom: Tom) -> None:
    path = tom.heed.urls("o")[0]
    for number in range(25):
        await tom.heed.hit(path, x_forwarded_for=f"203.0.{number}.7")
    await tom.heed.work()

    assert len((await tom.heed.get("/reports/scanner-noise"))["items"]) == 1
    assert (await tom.ask("/reports/scanner-noise")).json["items"] == []


@pytest.mark.parametrize("limit", [1, 2, 50])
async def test_a_conversation_comes_in_pages_of_the_own_mail_wherever_that_stands(tom: Tom, limit: int) -> None:
    for number in range(4):
        answer = {"from": "rep1", "in_reply_to": tom.colleagues, "text": f"{number}", "send": True}
        await tom.heed.post("/messages", answer)
    mine = {"from": "rep2", "in_reply_to": tom.colleagues, "subject": "Mine", "text": "x", "send": True}
    await tom.heed.post("/messages", mine)
    await tom.heed.work()

    found, query = list[str](), f"?limit={limit}"
    while query:
        page = await tom.ask(f"/conversations/{tom.colleagues}{query}")
        assert page.status == 200
        found += [each["from"] for each in page.json["items"]]
        query = f"?limit={limit}&cursor={page.json['next']}" if page.json["next"] else ""

    assert found == ["rep2"]


async def test_a_colleagues_mail_is_not_shown_to_those_who_track_a_mail_of_its_message_id(tom: Tom) -> None:
    internet_id = (await tom.heed.get(f"/messages/{tom.colleagues}"))["message_id"]
    forged = _mail(message_id=internet_id, sender="rep@acme.example", subject="Guessed")

    answer = await tom.ask("/messages/track", "POST", {"mime": forged})

    assert answer.status == 409
    assert b"Secret" not in answer.body


async def test_the_own_mail_can_be_tracked(tom: Tom) -> None:
    answer = await tom.ask("/messages/track", "POST", {"mime": _mail(to="two@acme.example", subject="For Tom")})

    assert (answer.status, answer.json["subject"]) == (201, "For Tom")
    assert (await tom.ask(f"/inbound/{answer.json['id']}")).status == 200


async def test_what_became_of_a_colleagues_incoming_mail_is_not_there(tom: Tom) -> None:
    received = await _receive(tom, subject="An answer")
    assert (await tom.heed.get(f"/inbound/{received}"))["outcome"] == "tracked"

    assert (await tom.ask(f"/inbound/{received}")).status == 404


async def test_what_rules_make_of_a_colleagues_mail_tells_nothing_of_it(tom: Tom) -> None:
    await tom.heed.put("/rules/all", {"when": {"kind": "reply"}, "create": {"type": "task", "fields": {}}})
    received = await _receive(tom, subject="Confidential")
    [task] = (await tom.heed.get("/activities"))["items"]
    assert (task["title"], task["message"]) == ("Confidential", received)

    paths = [("/activities", "GET"), ("/records/contact/c1/activities", "GET"), ("/rules/all/dry-run", "POST")]
    answers = [await tom.ask(*each) for each in [*paths, (f"/activities/{task['id']}/close", "POST")]]

    assert [each.status for each in answers] == [200] * 4
    assert not any(b"Confidential" in each.body for each in answers)
    [shown] = answers[0].json["items"]
    assert (shown["title"], shown["message"]) == ("About a mail of another user", None)
    assert answers[2].json["looked_at"] == 0


async def test_a_task_of_ones_own_shows_its_title(tom: Tom) -> None:
    fields = {"user": "rep2"}
    await tom.heed.put("/rules/all", {"when": {"kind": "reply"}, "create": {"type": "task", "fields": fields}})
    await _receive(tom, subject="Please call Ada")

    assert [each["title"] for each in (await tom.ask("/activities")).json["items"]] == ["Please call Ada"]


async def test_a_call_about_a_colleagues_mail_is_told_without_the_mail(tom: Tom) -> None:
    await _receive(tom, subject="An answer")
    [card] = (await tom.heed.get("/cards", x_heed_user="rep1"))["items"]
    assert (await tom.heed.api("POST", f"/cards/{card['id']}/call", x_heed_user="rep1")).status == 201

    calls = [each for each in (await tom.ask("/records/contact/c1/activities")).json["items"] if each["kind"] == "call"]
    assert [(each["title"], each["message"]) for each in calls] == [("About a mail of another user", None)]


def _mail(
    *,
    sender: str = "ada@example.com",
    to: str = "rep@acme.example",
    subject: str,
    message_id: str = "<a1@example.com>",
    answers: str = "",
) -> str:
    head = f"From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: {message_id}\r\n"
    head += "Date: Mon, 04 May 2026 09:00:00 +0000\r\n"
    return head + (f"In-Reply-To: {answers}\r\n" if answers else "") + "\r\nText"


async def _receive(tom: Tom, subject: str) -> str:
    """Have an answer to the colleague's mail come in; its id."""
    internet_id = (await tom.heed.get(f"/messages/{tom.colleagues}"))["message_id"]
    raw = _mail(subject=subject, answers=internet_id).encode()
    headers = {"Content-Type": "message/rfc822"}
    answer = await tom.heed.request("POST", "/api/orgs/acme/inbound", raw, key=tom.heed.key, headers=headers)
    assert answer.status == 202
    await tom.heed.work()
    return str(answer.json["id"])


async def test_keys_see_all_and_so_does_everybody_by_default(tom: Tom) -> None:
    heed = tom.heed
    assert len((await heed.get("/messages?view=all"))["items"]) == 2
    assert (await heed.get("/events"))["items"]

    await heed.request("PATCH", "/api/orgs/acme", {"settings": {"people_see": "all_mail"}}, key=ADMIN_KEY)

    assert (await tom.ask(f"/messages/{tom.colleagues}")).status == 200
