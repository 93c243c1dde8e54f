"""Recipients: who of them is followed, and why."""

from __future__ import annotations

from typing import Any

from lib.transports import Refused
from lib.transports.memory import MemoryTransport
from tests.support.heed import Heed

ADA = {"email": "ada@example.com", "name": "Ada", "record": {"type": "contact", "id": "c1"}}
BOB = {"email": "bob@example.com"}


async def recipients(heed: Heed, message: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await heed.get(f"/messages/{message}/recipients"))["items"]
    return items


async def test_a_recipient_is_shown_with_record_preference_and_why(heed: Heed) -> None:
    await heed.put("/records/contact/c1", {"follow_email": "allow"})
    message = await heed.draft(to=[ADA], bcc=[BOB])

    ada, bob = await recipients(heed, message)

    assert ada == {
        **ADA,
        "field": "to",
        "follow": True,
        "preference": "allow",
        "resolved_by": "given",
        "candidates": [],
        "because": "The contact c1 says yes to following.",
        "delivery": {"state": "waiting", "code": None, "text": None, "at": None},
    }
    assert (bob["name"], bob["record"], bob["field"], bob["preference"]) == ("", None, "bcc", "unknown")


async def test_where_one_blocks_all_each_is_told_why(heed: Heed) -> None:
    await heed.put("/records/contact/c1", {"follow_email": "do_not_allow"})
    message = await heed.draft(to=[ADA, BOB])

    ada, bob = await recipients(heed, message)

    assert (ada["follow"], ada["because"]) == (False, "The contact c1 says no to following.")
    assert (bob["follow"], bob["because"]) == (False, "Another recipient is in the way.")


async def test_where_everybody_gets_a_copy_one_blocks_nobody_else() -> None:
    heed = await Heed().start(mixed_recipients="split")
    await heed.put("/records/contact/c1", {"follow_email": "do_not_allow"})
    message = await heed.draft(to=[ADA, BOB, {"email": "rep@acme.example"}])

    assert [each["follow"] for each in await recipients(heed, message)] == [False, True, False]
    state = (await heed.get(f"/messages/{message}"))["follow_state"]
    assert (state["state"], state["blocked_by"]) == ("on", ["ada@example.com"])
    assert "1 of 3 recipients" in state["reason"]
    assert (await recipients(heed, message))[2]["because"] == "It is the sender's own address."


async def test_where_nobody_allows_it_the_message_is_blocked() -> None:
    heed = await Heed().start(mixed_recipients="split", tracking="consent")
    message = await heed.draft(to=[ADA, BOB])

    state = (await heed.get(f"/messages/{message}"))["follow_state"]

    assert (state["state"], state["blocked_by"]) == ("blocked", ["ada@example.com", "bob@example.com"])


async def test_the_whole_message_s_reason_is_everybody_s(heed: Heed) -> None:
    await heed.api("PATCH", "/users/rep1", {"opt_in": False})

    [ada] = await recipients(heed, await heed.draft())

    assert (ada["follow"], ada["because"]) == (False, "The sender has not opted in to following mail.")


async def test_a_draft_follows_every_change_of_a_preference(heed: Heed) -> None:
    message = await heed.draft(to=[ADA])
    states = []

    for follow in ("do_not_allow", "allow"):
        await heed.put("/records/contact/c1", {"follow_email": follow})
        states.append((await heed.get(f"/messages/{message}"))["follow_state"]["state"])

    assert states == ["blocked", "on"]


async def test_what_was_sent_stays_as_it_went_out(heed: Heed) -> None:
    message = await heed.sent(to=[ADA])
    await heed.put("/records/contact/c1", {"follow_email": "do_not_allow"})

    [ada] = await recipients(heed, message)

    assert (ada["follow"], ada["preference"]) == (True, "do_not_allow")
    assert ada["because"] == "The mail went out followed. Now: The contact c1 says no to following."
    assert (await heed.get(f"/messages/{message}"))["follow_state"]["state"] == "on"


async def test_a_failed_message_goes_out_by_what_holds_when_it_is_sent_again() -> None:
    heed = await Heed(transport=MemoryTransport(Refused(temporary=False, code="550", text="no"))).start()
    await heed.put("/records/contact/c1", {"follow_email": "do_not_allow"})
    message = await heed.sent(to=[ADA])
    assert (await heed.get(f"/messages/{message}"))["status"] == "failed"

    await heed.put("/records/contact/c1", {"follow_email": "allow"})
    await heed.post(f"/messages/{message}/send")
    await heed.work()

    read = await heed.get(f"/messages/{message}")
    assert (read["status"], read["follow_state"]["state"]) == ("sent", "on")
    assert len(heed.urls("o")) == 1


async def test_a_message_of_another_organization_has_no_recipients(heed: Heed) -> None:
    message = await heed.draft()
    other = await heed.organization("globex")

    answer = await heed.request("GET", f"/api/orgs/globex/messages/{message}/recipients", key=other)

    assert answer.status == 404
