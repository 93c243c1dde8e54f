"""Copies: what each recipient gets when everybody gets a copy of their own, and what nobody may see."""

from __future__ import annotations

import base64
import re
from email import message_from_bytes
from typing import Any

import pytest

from lib.tokens import Purpose
from lib.transports import Envelope
from lib.transports.memory import MemoryTransport
from tests.support.heed import BASE_URL, Heed

ADA, BOB, CY, EVE = ({"email": f"{name}@example.com", "name": name.title()} for name in ("ada", "bob", "cy", "eve"))
SENDER = {"email": "rep@acme.example"}


async def splitting(**settings: Any) -> Heed:
    return await Heed().start(**{"mixed_recipients": "split", **settings})


async def sent(heed: Heed, **fields: Any) -> list[Envelope]:
    """What goes out of a message to Ada, in Cc to Bob, and blind to Eve."""
    await heed.sent(**{"to": [ADA], "cc": [BOB], "bcc": [EVE], **fields})
    assert isinstance(heed.transport, MemoryTransport)
    return heed.transport.sent


async def says_no(heed: Heed, *emails: str) -> None:
    for email in emails:
        await heed.put(f"/consents/{email}", {"follow": "do_not_allow"})


def recipient_of(heed: Heed, envelope: Envelope) -> set[int | None]:
    """Whom the tokens of a copy name: its pixel, and its links in both parts."""
    assert envelope.content.html
    found = re.findall(rf"{BASE_URL}/([oc])/([A-Za-z0-9_-]+)", envelope.content.html + (envelope.content.text or ""))
    purposes = {"o": Purpose.OPEN, "c": Purpose.CLICK}
    claims = [heed.services.ring.open(purposes[kind], token) for kind, token in found]
    return {claim.recipient for claim in claims if claim}


def is_clean(envelope: Envelope) -> bool:
    return BASE_URL not in (envelope.content.html or "") + (envelope.content.text or "")


async def test_each_gets_a_copy_whose_tokens_name_no_other() -> None:
    heed = await splitting()

    copies = await sent(heed)

    assert [copy.recipients for copy in copies] == [(each["email"],) for each in (ADA, BOB, EVE)]
    assert [recipient_of(heed, copy) for copy in copies] == [{0}, {1}, {2}]


async def test_all_copies_show_the_same_headers() -> None:
    heed = await splitting()

    mails = [message_from_bytes(copy.mime) for copy in await sent(heed)]

    for name in ("To", "Cc", "From", "Subject", "Date", "Message-ID"):
        assert len({str(mail[name]) for mail in mails}) == 1
    assert (mails[2]["To"], mails[2]["Cc"]) == ("Ada <ada@example.com>", "Bob <bob@example.com>")


async def test_a_blind_recipient_leaks_nowhere_not_even_into_the_own_copy() -> None:
    heed = await splitting()

    for copy in await sent(heed):
        mail = message_from_bytes(copy.mime)
        text = b"".join(part.get_payload(decode=True) or b"" for part in mail.walk() if not part.is_multipart())  # type: ignore[misc]
        assert b"eve@" not in copy.mime.lower()
        assert b"eve" not in re.sub(rb"/[oc]/[\w-]+", b"", text).lower()
        assert mail["Bcc"] is None


async def test_those_who_do_not_allow_it_share_one_clean_copy() -> None:
    heed = await splitting()
    await says_no(heed, "bob@example.com", "eve@example.com")

    copies = await sent(heed)

    assert [copy.recipients for copy in copies] == [("ada@example.com",), ("bob@example.com", "eve@example.com")]
    assert [is_clean(copy) for copy in copies] == [False, True]
    assert b"https://example.com/a?b=3D1&amp;c=3D2" in copies[1].mime.replace(b"=\r\n", b"")


async def test_the_sender_s_own_address_gets_a_clean_copy() -> None:
    heed = await splitting()

    copies = await sent(heed, cc=[{"email": "Rep@acme.example"}], bcc=[])

    assert [(copy.recipients, is_clean(copy)) for copy in copies] == [
        (("ada@example.com",), False),
        (("Rep@acme.example",), True),
    ]


async def test_who_stands_there_twice_gets_one_copy() -> None:
    heed = await splitting()

    copies = await sent(heed, to=[ADA, BOB], cc=[{"email": "ADA@example.com"}], bcc=[])

    assert [copy.recipients for copy in copies] == [("ada@example.com",), ("bob@example.com",)]


async def test_a_no_of_one_of_two_entries_with_the_same_address_counts_for_both() -> None:
    heed = await splitting()
    await heed.put("/records/contact/c1", {"follow_email": "do_not_allow"})
    record = {"record": {"type": "contact", "id": "c1"}}

    copies = await sent(heed, to=[ADA, BOB], cc=[{**ADA, **record}], bcc=[])

    assert [(copy.recipients, is_clean(copy)) for copy in copies] == [
        (("bob@example.com",), False),
        (("ada@example.com",), True),
    ]


@pytest.mark.parametrize(
    ("settings", "fields"),
    [
        ({}, {"cc": [], "bcc": []}),
        ({"mixed_recipients": "block"}, {}),
        ({"tracking": "aggregate"}, {}),
        ({"tracking": "off"}, {}),
        ({"engagement_enabled": False}, {}),
        ({}, {"follow": False}),
        ({"tracking": "consent"}, {}),
    ],
    ids=["one recipient", "block", "aggregate", "off", "switched off", "not asked for", "nobody has said yes"],
)
async def test_there_is_one_mail_otherwise(settings: dict[str, Any], fields: dict[str, Any]) -> None:
    heed = await splitting(**settings)

    [copy] = await sent(heed, **fields)

    assert len(copy.recipients) == (1 if fields.get("cc") == [] else 3)


async def test_counting_without_who_names_nobody_and_one_no_blocks_all() -> None:
    heed = await splitting(tracking="aggregate")

    [copy] = await sent(heed)
    assert recipient_of(heed, copy) == {None}

    await says_no(heed, "bob@example.com")
    assert is_clean((await sent(heed))[-1])


async def test_a_provider_that_delivers_to_all_whom_a_mail_names_gets_one_mail() -> None:
    class Provider(MemoryTransport):
        separate_envelopes = False

    heed = await Heed(transport=Provider()).start(mixed_recipients="split")
    await says_no(heed, "bob@example.com")

    [copy] = await sent(heed)

    assert (len(copy.recipients), is_clean(copy)) == (3, True)
    [item] = (await heed.get("/messages"))["items"]
    assert (item["follow_state"]["state"], item["follow_state"]["blocked_by"]) == ("blocked", ["bob@example.com"])
    assert "a copy for each is not possible" in item["follow_state"]["reason"]


async def test_a_mail_that_cannot_be_rewritten_goes_out_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("lib.composing.bodies.rewrite", broken)
    heed = await splitting()

    [copy] = await sent(heed)

    assert (len(copy.recipients), is_clean(copy)) == (3, True)


async def test_the_timeline_says_whose_copy_it_was_and_where_the_link_led() -> None:
    heed = await splitting()
    await says_no(heed, "ada@example.com")
    message = await heed.sent(to=[ADA, BOB, CY])

    await heed.hit(heed.urls("c", 1)[0])
    await heed.hit(heed.urls("o", 0)[0])
    await heed.work()

    events = (await heed.get(f"/messages/{message}/timeline"))["items"]
    assert {(each["kind"], each["recipient"], each["url"]) for each in events} == {
        ("click", "cy@example.com", "https://example.com/a?b=1&c=2"),
        ("open", "bob@example.com", None),
    }
    assert (await heed.get(f"/messages/{message}"))["kpis"]["raw"]["opens"] == 1


async def test_a_click_without_who_still_says_where_the_link_led() -> None:
    heed = await splitting()
    await says_no(heed, "bob@example.com")
    message = await heed.sent(to=[ADA, BOB])

    await heed.hit(heed.urls("c", 0)[0], dnt="1")
    await heed.work()

    [event] = (await heed.get(f"/messages/{message}/timeline"))["items"]
    assert (event["recipient"], event["url"]) == (None, "https://example.com/a?b=1&c=2")


async def test_a_mail_with_very_many_links_is_followed_in_every_copy() -> None:
    heed = await splitting()
    html = "".join(f'<a href="https://example.com/{number}?{"x" * 150}">{number}</a>' for number in range(1000))
    message = await heed.sent(to=[ADA, BOB, CY], html=html)

    await heed.hit(heed.urls("c", 2)[999])
    await heed.work()

    [event] = (await heed.get(f"/messages/{message}/timeline"))["items"]
    assert (event["recipient"], event["url"][:24]) == ("cy@example.com", "https://example.com/999?")


async def test_a_crm_that_sends_by_itself_gets_all_copies_and_reports_them_at_once() -> None:
    heed = await splitting()
    await says_no(heed, "bob@example.com")
    message = await heed.draft(to=[ADA, BOB, CY])

    copies = (await heed.post(f"/messages/{message}/prepare"))["copies"]
    read = await heed.post(f"/messages/{message}/sent", {"sent_at": "2026-05-04T09:31:00Z"})

    assert [[each["email"] for each in copy["recipients"]] for copy in copies] == [
        ["ada@example.com"], ["cy@example.com"], ["bob@example.com"],
    ]  # fmt: skip
    assert [BASE_URL in copy["html"] for copy in copies] == [True, True, False]
    tos = {message_from_bytes(base64.b64decode(copy["mime"]))["To"] for copy in copies}
    assert tos == {"Ada <ada@example.com>, Bob <bob@example.com>, Cy <cy@example.com>"}
    assert (read["status"], read["follow_state"]["state"]) == ("sent", "on")
    assert read["follow_state"]["blocked_by"] == ["bob@example.com"]


async def test_a_smaller_plan_leaves_nothing_of_a_larger_one_behind() -> None:
    heed = await splitting()
    message = await heed.draft(to=[ADA, BOB, CY])
    await heed.post(f"/messages/{message}/prepare")
    await heed.api("PATCH", f"/messages/{message}", {"to": [ADA, BOB]})

    too_early = await heed.api("POST", f"/messages/{message}/sent", {"sent_at": "2026-05-04T09:31:00Z"})
    assert too_early.status == 409
    assert len((await heed.post(f"/messages/{message}/prepare"))["copies"]) == 2
    loaded = await heed.services.messages.load("acme", message)

    assert loaded
    assert (len(loaded.copies), loaded.copy_rows) == (2, 3)
    assert (await heed.api("DELETE", f"/messages/{message}")).status == 200
    rows = [row async for row in heed.storage.tables.query("heedacmemessages", message)]
    assert rows == []


async def test_hundreds_of_copies_can_be_prepared_and_deleted() -> None:
    heed = await splitting()
    message = await heed.draft(to=[{"email": f"r{number}@example.com"} for number in range(250)])

    assert len((await heed.post(f"/messages/{message}/prepare"))["copies"]) == 250
    assert (await heed.api("DELETE", f"/messages/{message}")).status == 200

    assert [row async for row in heed.storage.tables.query("heedacmemessages", message)] == []


async def test_copies_that_are_too_much_for_one_answer_are_not_prepared() -> None:
    heed = await splitting()
    to = [{"email": f"r{number}@example.com"} for number in range(100)]
    message = await heed.draft(to=to, html="<p>" + "x" * 400_000)

    answer = await heed.api("POST", f"/messages/{message}/prepare")

    assert (answer.status, "100 copies" in answer.json["detail"]) == (422, True)
