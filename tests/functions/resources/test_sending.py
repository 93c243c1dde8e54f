"""Sending: what goes out, to whom, and what is said of it."""

from __future__ import annotations

import base64
from email import message_from_bytes
from typing import Any

import pytest

from lib.transports import Accepted, RecipientRefusal, Refused, Unknown
from lib.transports.memory import MemoryTransport
from tests.support.heed import Heed


async def test_a_followed_mail_goes_out_with_links_and_a_pixel(heed: Heed) -> None:
    message = await heed.sent()

    read = await heed.get(f"/messages/{message}")
    assert (read["status"], read["status_text"]) == ("sent", "Not yet opened")
    assert read["sent_at"] == "2026-05-04T09:30:00.000Z"
    assert len(heed.urls("c")) == 1
    assert len(heed.urls("o")) == 1
    assert message_from_bytes(heed.mail())["Message-ID"] == read["message_id"]


async def test_an_unfollowed_mail_goes_out_as_it_was_written(heed: Heed) -> None:
    message = await heed.sent(follow=False)

    assert heed.urls("c") == heed.urls("o") == []
    assert b"example.com/a?b=3D1&amp;c=3D2" in heed.mail()
    assert (await heed.get(f"/messages/{message}"))["status_text"] == "Sent, not followed"


async def test_every_recipient_is_in_the_envelope_and_bcc_in_no_header(heed: Heed) -> None:
    await heed.sent(cc=[{"email": "bob@example.com"}], bcc=[{"email": "eve@example.com", "name": "Eve"}])

    assert isinstance(heed.transport, MemoryTransport)
    assert heed.transport.sent[-1].recipients == ("ada@example.com", "bob@example.com", "eve@example.com")
    assert b"eve@" not in heed.mail().lower()  # "eve" alone may stand in a token
    assert b"bcc:" not in heed.mail().lower()


async def test_sending_twice_sends_once(heed: Heed) -> None:
    message = await heed.draft()

    await heed.post(f"/messages/{message}/send")
    await heed.post(f"/messages/{message}/send")
    await heed.work()

    assert isinstance(heed.transport, MemoryTransport)
    assert len(heed.transport.sent) == 1
    again = await heed.api("POST", f"/messages/{message}/send")
    assert (again.status, "was sent already" in again.json["detail"]) == (409, True)


async def test_a_user_who_has_not_opted_in_is_not_followed(heed: Heed) -> None:
    await heed.api("PATCH", "/users/rep1", {"opt_in": False})

    message = await heed.sent()

    assert heed.urls("o") == []
    state = (await heed.get(f"/messages/{message}"))["follow_state"]
    assert (state["state"], "opted in" in state["reason"]) == ("blocked", True)


async def test_a_recipient_who_does_not_allow_it_blocks_following_and_is_named(heed: Heed) -> None:
    await heed.put("/records/contact/c1", {"follow_email": "do_not_allow"})
    record = {"type": "contact", "id": "c1"}

    message = await heed.sent(to=[{"email": "ada@example.com", "record": record}, {"email": "bob@example.com"}])

    state = (await heed.get(f"/messages/{message}"))["follow_state"]
    assert (state["state"], state["blocked_by"]) == ("blocked", ["ada@example.com"])
    assert heed.urls("c") == heed.urls("o") == []


@pytest.mark.parametrize(
    ("settings", "word"),
    [({"engagement_enabled": False}, "switched"), ({"tracking": "off"}, "no mail"), ({"tracking": "consent"}, "yes")],
)
async def test_an_organization_can_say_no(settings: dict[str, Any], word: str) -> None:
    heed = await Heed().start(**settings)

    message = await heed.sent()

    assert heed.urls("c") == heed.urls("o") == []
    assert word in (await heed.get(f"/messages/{message}"))["follow_state"]["reason"]


async def test_counting_without_who_leaves_the_recipient_out_of_the_token() -> None:
    heed = await Heed().start(tracking="aggregate")
    message = await heed.sent()

    await heed.hit(heed.urls("o")[0])
    await heed.work()

    [event] = (await heed.get(f"/messages/{message}/timeline"))["items"]
    assert event["recipient"] is None
    assert (await heed.get(f"/messages/{message}"))["kpis"]["opens"] == 1


@pytest.mark.parametrize(
    ("fields", "loc"), [({"to": []}, ["to"]), ({"html": None}, ["html"])], ids=["no recipient", "no body"]
)
async def test_an_incomplete_draft_is_not_sent(heed: Heed, fields: dict[str, Any], loc: list[str]) -> None:
    message = await heed.draft(**fields)

    answer = await heed.api("POST", f"/messages/{message}/send")

    assert (answer.status, answer.json["errors"][0]["loc"]) == (422, loc)
    assert (await heed.get(f"/messages/{message}"))["status"] == "draft"


async def test_only_allowed_domains_send() -> None:
    heed = await Heed().start(from_domain_allow=["globex.example"])
    message = await heed.draft()

    answer = await heed.api("POST", f"/messages/{message}/send")

    assert (answer.status, answer.json["errors"][0]["loc"]) == (422, ["from"])


async def test_without_a_mail_server_sending_is_refused_with_the_way_out() -> None:
    heed = await Heed(transport=None).start()
    message = await heed.draft()

    answer = await heed.api("POST", f"/messages/{message}/send")

    assert answer.status == 409
    assert "HEED_SMTP_HOST" in answer.json["detail"]


async def test_a_definite_refusal_fails_with_what_the_server_said() -> None:
    refused = Refused(temporary=False, code="550", text="The mail server answered 550: no such user")
    heed = await Heed(transport=MemoryTransport(refused)).start()

    message = await heed.sent()

    read = await heed.get(f"/messages/{message}")
    assert (read["status"], read["status_text"]) == ("failed", "Could not be sent")
    assert read["failure"] == {"code": "550", "text": "The mail server answered 550: no such user"}


async def test_a_failed_message_can_be_sent_again() -> None:
    heed = await Heed(transport=MemoryTransport(Refused(temporary=False, code="550", text="no"))).start()
    message = await heed.sent()

    await heed.post(f"/messages/{message}/send")
    await heed.work()

    assert (await heed.get(f"/messages/{message}"))["status"] == "sent"


async def test_recipients_that_the_server_did_not_take_are_counted() -> None:
    heed = await Heed(
        transport=MemoryTransport(
            Accepted(refused=(RecipientRefusal("bob@example.com", "550", "No such user.", False),))
        )
    ).start()

    message = await heed.sent(cc=[{"email": "bob@example.com"}])

    failure = (await heed.get(f"/messages/{message}"))["failure"]
    assert failure["code"] == "recipients"
    assert failure["text"] == "It was not taken for 1 of 2 recipients. No such user."


async def test_an_unconfirmed_message_is_uncertain_until_a_person_resolves_it() -> None:
    heed = await Heed(transport=MemoryTransport(Unknown("no answer"))).start()
    message = await heed.sent()

    assert (await heed.get(f"/messages/{message}"))["status"] == "uncertain"
    again = await heed.api("POST", f"/messages/{message}/send")
    assert (again.status, "/resolve" in again.json["detail"]) == (409, True)

    resolved = await heed.post(f"/messages/{message}/resolve", {"as": "sent"})
    assert resolved["status"] == "sent"
    assert (await heed.api("POST", f"/messages/{message}/resolve", {"as": "sent"})).status == 409


async def test_an_uncertain_message_is_sent_again_when_a_person_says_so() -> None:
    transport = MemoryTransport(Unknown("no answer"))
    heed = await Heed(transport=transport).start()
    message = await heed.sent()
    first = message_from_bytes(heed.mail())["Message-ID"]

    await heed.post(f"/messages/{message}/resolve", {"as": "resend"})
    await heed.work()

    assert (await heed.get(f"/messages/{message}"))["status"] == "sent"
    assert len(transport.sent) == 2
    assert message_from_bytes(heed.mail())["Message-ID"] == first


async def test_a_mail_for_later_waits_for_its_time(heed: Heed) -> None:
    message = await heed.draft(deliver_at="2026-05-05T08:00:00+02:00")
    await heed.api("PATCH", "/users/rep1", {"time_zone": "Europe/Vienna"})

    answer = await heed.api("POST", f"/messages/{message}/send", x_heed_user="rep1")

    assert (answer.status, answer.json["status"]) == (202, "scheduled")
    assert answer.json["status_text"] == "Scheduled to send tomorrow 8:00"


async def test_a_crm_that_sends_by_itself_gets_the_mail_and_reports_it_sent(heed: Heed) -> None:
    message = await heed.draft()

    [copy] = (await heed.post(f"/messages/{message}/prepare"))["copies"]
    sent = await heed.post(
        f"/messages/{message}/sent", {"message_id": "<crm@acme.example>", "sent_at": "2026-05-04T09:31:00Z"}
    )

    mail = message_from_bytes(base64.b64decode(copy["mime"]))
    assert (mail["Subject"], mail["To"]) == ("Hello", "Ada <ada@example.com>")
    assert copy["headers"]["Message-ID"] == mail["Message-ID"]
    assert "/c/k1" in copy["html"]
    assert [recipient["email"] for recipient in copy["recipients"]] == ["ada@example.com"]
    assert (sent["status"], sent["message_id"]) == ("sent", "<crm@acme.example>")
    assert isinstance(heed.transport, MemoryTransport)
    assert heed.transport.sent == []


async def test_preparing_twice_gives_the_same_links(heed: Heed) -> None:
    message = await heed.draft()

    first = (await heed.post(f"/messages/{message}/prepare"))["copies"][0]
    second = (await heed.post(f"/messages/{message}/prepare"))["copies"][0]

    assert (first["html"], first["headers"]["Message-ID"]) == (second["html"], second["headers"]["Message-ID"])


async def test_who_filters_the_recipients_mail_is_found_out_when_a_crm_has_sent_it() -> None:
    heed = await Heed(resolve_mx=_mail_servers).start()
    message = await heed.draft(to=[{"email": "ada@example.com"}, {"email": "bob@plain.example"}])
    await heed.post(f"/messages/{message}/prepare")

    await heed.post(f"/messages/{message}/sent", {"sent_at": "2026-05-04T09:31:00Z"})

    assert await _gateways(heed, message) == ["proofpoint", None]


async def test_a_crm_reports_a_mail_sent_with_dns_down() -> None:
    heed = await Heed(resolve_mx=_no_dns).start()
    message = await heed.draft()
    await heed.post(f"/messages/{message}/prepare")

    sent = await heed.post(f"/messages/{message}/sent", {"sent_at": "2026-05-04T09:31:00Z"})

    assert sent["status"] == "sent"
    assert await _gateways(heed, message) == []


async def _mail_servers(domain: str) -> list[str]:
    return {"example.com": ["mx0a-1.pphosted.com."]}.get(domain, [f"mail.{domain}."])


async def _no_dns(_: str) -> list[str]:
    raise OSError("no name server")


async def _gateways(heed: Heed, message: str) -> list[str | None]:
    loaded = await heed.services.messages.load("acme", message)
    assert loaded
    return loaded.message.gateways


async def test_what_was_never_prepared_cannot_be_reported_sent(heed: Heed) -> None:
    message = await heed.draft()

    answer = await heed.api("POST", f"/messages/{message}/sent", {"sent_at": "2026-05-04T09:31:00Z"})

    assert answer.status == 409
    assert "prepare" in answer.json["detail"]


@pytest.mark.parametrize("message_id", ["no brackets", "<a@b>\r\nBcc: x", "<>", "<a@b> "])
async def test_a_message_id_of_another_shape_is_refused(heed: Heed, message_id: str) -> None:
    message = await heed.draft()
    await heed.post(f"/messages/{message}/prepare")

    body = {"message_id": message_id, "sent_at": "2026-05-04T09:31:00Z"}
    answer = await heed.api("POST", f"/messages/{message}/sent", body)

    assert (answer.status, answer.json["errors"][0]["loc"]) == (422, ["message_id"])


async def test_a_mail_that_cannot_be_rewritten_goes_out_unfollowed_and_says_so(
    heed: Heed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("lib.composing.bodies.rewrite", broken)

    message = await heed.sent()

    read = await heed.get(f"/messages/{message}")
    assert (read["status"], read["follow_state"]["state"]) == ("sent", "blocked")
    assert [remark["code"] for remark in read["remarks"]] == ["not-rewritten"]
    assert b"example.com/a?b=3D1&amp;c=3D2" in heed.mail()


async def test_remarks_tell_of_links_that_stay_direct(heed: Heed) -> None:
    message = await heed.sent(html='<a href="https://user:secret@example.com/">x</a>')

    [remark] = (await heed.get(f"/messages/{message}"))["remarks"]
    assert "line 1" in remark["place"]
    assert "secret" not in remark["text"]


async def test_a_mail_with_very_many_links_is_followed_and_its_clicks_are_told(heed: Heed) -> None:
    html = "".join(f'<a href="https://example.com/{number}?{"x" * 150}">{number}</a>' for number in range(1000))
    message = await heed.sent(html=html)

    await heed.hit(heed.urls("c")[999])
    await heed.work()

    [event] = (await heed.get(f"/messages/{message}/timeline"))["items"]
    assert event["url"].startswith("https://example.com/999?")


async def test_remarks_without_end_are_cut_and_counted(heed: Heed) -> None:
    message = await heed.sent(html='<a href="x">y</a>' * 80)

    remarks = (await heed.get(f"/messages/{message}"))["remarks"]
    assert len(remarks) == 51
    assert "30 more" in remarks[-1]["text"]
