"""Cards: what a salesperson is told, and what they can do about it."""

from __future__ import annotations

import json
from importlib import import_module
from typing import Any

import pytest

from lib.tracking.queue_messages import read_interactions
from lib.transports import Refused, Unknown
from lib.transports.memory import MemoryTransport
from tests.support.cards import RECORD, act, cards, entries, opened, pass_time
from tests.support.heed import Heed
from tests.support.judging import weigh_anew


async def test_the_first_open_is_told_once(heed: Heed) -> None:
    message = await opened(heed, regarding={"type": "opportunity", "id": "o1", "name": "Big deal"})
    await heed.hit(heed.urls("o")[0])
    await pass_time(heed, minutes=1)

    [card] = await cards(heed)
    assert (card["kind"], card["priority"], card["title"]) == ("email_opened", "normal", "Ada opened your mail")
    assert "Hello" in card["text"]
    assert (card["message"], card["regarding"]["name"]) == (message, "Big deal")
    assert card["recipient"] == {"email": "ada@example.com", "name": "Ada", "record": RECORD}
    assert card["actions"] == ["call", "snooze", "dismiss"]


async def test_an_open_is_not_told_before_the_noise_rules_have_had_their_say(heed: Heed) -> None:
    message = await heed.sent()
    await heed.hit(heed.urls("o")[0])
    await heed.services.journal.settle()
    await heed.work("interactions")
    assert await cards(heed) == []

    heed.clock.move(seconds=11)
    await heed.services.assessor.refresh("acme", message)

    assert len(await cards(heed)) == 1


async def test_the_assessor_asks_itself_to_look_again(heed: Heed) -> None:
    await heed.sent()
    await heed.hit(heed.urls("o")[0])
    await heed.services.journal.settle()
    queues = heed.storage.queues
    taken = queues.take_message("interactions")  # type: ignore[attr-defined]
    queues.waiting = [taken]  # type: ignore[attr-defined]

    await heed.services.intake.assess_interactions(read_interactions(json.loads(taken.body)))

    delays = [each.delay.total_seconds() for each in queues.waiting if '"messages"' in each.body]  # type: ignore[attr-defined]
    # When bursts have shown, and at the whole six hours after a day, as other mails may have told more by then.
    assert delays == [11, 25 * 3_600 + 1]


async def test_a_machines_open_is_not_told(heed: Heed) -> None:
    await opened(heed, "curl/8.5")

    assert await cards(heed) == []


async def test_an_organization_can_have_every_open_told() -> None:
    heed = await Heed().start(alert_on="any")
    await opened(heed, "curl/8.5")

    [card] = await cards(heed)
    assert "may have been a machine" in card["text"]


async def test_a_card_whose_reason_has_gone_is_withdrawn_and_says_why(
    heed: Heed, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = await opened(heed)
    priors = import_module("lib.verdicts.weighing").PRIOR
    monkeypatch.setitem(priors, "open", -9.0)
    weigh_anew()

    await heed.services.assessor.refresh("acme", message)

    assert await cards(heed) == []
    [done] = await cards(heed, "done")
    assert "scanner" in done["withdrawn_because"]

    monkeypatch.undo()
    weigh_anew()
    await heed.services.assessor.refresh("acme", message)
    assert len(await cards(heed)) == 1


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [(Refused(temporary=False, code="550", text="The mail server answered 550: no."), "send_failed"),
     (Unknown("No answer came."), "send_uncertain")],
)  # fmt: skip
async def test_a_mail_that_did_not_leave_is_told_until_it_does(outcome: Any, kind: str) -> None:
    heed = await Heed(transport=MemoryTransport(outcome)).start()
    message = await heed.sent()

    [card] = await cards(heed)
    assert (card["kind"], card["priority"]) == (kind, "high")
    assert outcome.text in card["text"]

    if kind == "send_failed":
        await heed.post(f"/messages/{message}/send")
    else:
        await heed.post(f"/messages/{message}/resolve", {"as": "resend"})
    await heed.work()
    assert await cards(heed) == []


async def test_what_became_of_a_mail_that_was_deleted_is_no_longer_to_do() -> None:
    heed = await Heed(transport=MemoryTransport(Refused(temporary=False, code="550", text="no"))).start()
    message = await heed.sent()
    assert len(await cards(heed)) == 1

    await heed.api("DELETE", f"/messages/{message}")

    assert await cards(heed) == []
    [done] = await cards(heed, "done")
    assert done["withdrawn_because"] == "The mail was deleted."


async def test_the_most_pressing_come_first(heed: Heed) -> None:
    await opened(heed)
    await heed.sent(reminder={"title": "Call", "condition": "always", "at": "2026-05-05T07:00:00Z"})
    await pass_time(heed, days=1)

    assert [card["kind"] for card in await cards(heed)] == ["reminder", "email_opened"]


async def test_a_dismissed_card_is_done_and_can_be_taken_back(heed: Heed) -> None:
    await opened(heed)
    [card] = await cards(heed)

    assert (await act(heed, card["id"], "dismiss"))["status"] == "done"
    assert await cards(heed) == []
    assert (await act(heed, card["id"], "undo"))["status"] == "open"
    assert [each["id"] for each in await cards(heed)] == [card["id"]]


async def test_a_dismissed_card_does_not_come_back_by_itself(heed: Heed) -> None:
    message = await opened(heed)
    [card] = await cards(heed)
    await act(heed, card["id"], "dismiss")

    await heed.services.assessor.refresh("acme", message)

    assert await cards(heed) == []


async def test_a_snoozed_card_comes_back_after_a_day(heed: Heed) -> None:
    await opened(heed)
    [card] = await cards(heed)

    snoozed = await act(heed, card["id"], "snooze")
    assert snoozed["status"] == "snoozed"
    await pass_time(heed, hours=23)
    assert await cards(heed) == []
    await pass_time(heed, hours=1, minutes=1)
    assert [each["status"] for each in await cards(heed)] == ["open"]


async def test_a_pressing_card_comes_back_after_an_hour_and_any_at_a_chosen_time(heed: Heed) -> None:
    await heed.sent(reminder={"title": "Call", "condition": "always", "at": "2026-05-05T07:00:00Z"})
    await pass_time(heed, days=1)
    [card] = await cards(heed)

    await act(heed, card["id"], "snooze")
    await pass_time(heed, minutes=61)
    assert len(await cards(heed)) == 1
    await act(heed, card["id"], "snooze", {"until": "2026-05-08T07:00:00Z"})
    await pass_time(heed, days=1)
    assert await cards(heed) == []
    await pass_time(heed, days=2)
    assert len(await cards(heed)) == 1


@pytest.mark.parametrize("action", ["dismiss", "undo", "snooze"])
async def test_a_snooze_that_was_ended_or_changed_is_not_looked_at_at_its_old_time(heed: Heed, action: str) -> None:
    await opened(heed)
    [card] = await cards(heed)
    await act(heed, card["id"], "snooze", {"until": "2026-05-08T07:00:00Z"})
    assert await entries(heed) == ["2026-05-08T07:00:00.000Z"]

    later = "2026-05-09T07:00:00.000Z"
    await act(heed, card["id"], action, {"until": later} if action == "snooze" else None)

    assert await entries(heed) == ([later] if action == "snooze" else [])


async def test_a_card_that_came_back_is_not_looked_at_again(heed: Heed) -> None:
    await opened(heed)
    [card] = await cards(heed)
    await act(heed, card["id"], "snooze")

    await pass_time(heed, days=2)

    assert len(await cards(heed)) == 1
    assert await entries(heed) == []


async def test_snoozing_into_the_past_is_refused_with_the_time(heed: Heed) -> None:
    await opened(heed)
    [card] = await cards(heed)

    body = {"until": "2026-05-04T09:00:00Z"}
    answer = await heed.api("POST", f"/cards/{card['id']}/snooze", body, x_heed_user="rep1")

    assert (answer.status, answer.json["errors"][0]["loc"]) == (422, ["until"])


async def test_a_call_is_an_activity_of_the_record_and_can_be_undone(heed: Heed) -> None:
    await opened(heed)
    [card] = await cards(heed)

    made = await act(heed, card["id"], "call")

    assert made["activity"]["record"] == RECORD
    assert made["activity"]["title"] == "Ada opened your mail"
    assert made["card"]["status"] == "done"
    activities = (await heed.get("/records/contact/c1/activities"))["items"]
    assert "call" in [each["kind"] for each in activities]

    await act(heed, card["id"], "undo")
    activities = (await heed.get("/records/contact/c1/activities"))["items"]
    assert "call" not in [each["kind"] for each in activities]


async def test_without_a_record_there_is_nobody_to_call(heed: Heed) -> None:
    message = await heed.sent()
    await heed.hit(heed.urls("o")[0])
    await heed.work()
    heed.clock.move(seconds=15)
    await heed.services.assessor.refresh("acme", message)
    [card] = await cards(heed)

    answer = await heed.api("POST", f"/cards/{card['id']}/call", x_heed_user="rep1")

    assert card["actions"] == ["snooze", "dismiss"]
    assert answer.status == 409


async def test_feedback_is_kept(heed: Heed) -> None:
    await opened(heed)
    [card] = await cards(heed)

    assert (await act(heed, card["id"], "feedback", {"useful": False}))["useful"] is False


async def test_cards_are_the_acting_users_own(heed: Heed) -> None:
    await heed.put("/users/rep2", {"email": "rep2@acme.example"})
    await opened(heed)
    [card] = await cards(heed)

    assert (await heed.get("/cards", x_heed_user="rep2"))["items"] == []
    assert (await heed.api("POST", f"/cards/{card['id']}/dismiss", x_heed_user="rep2")).status == 404
    assert (await heed.api("GET", "/cards")).status == 400
    assert (await heed.api("GET", "/cards", x_heed_user="../rep1")).status == 400


async def test_acting_on_an_older_version_is_refused(heed: Heed) -> None:
    await opened(heed)
    [card] = await cards(heed)
    read = await heed.get(f"/cards/{card['id']}", x_heed_user="rep1")
    await act(heed, card["id"], "feedback", {"useful": True})

    late = await heed.api("POST", f"/cards/{card['id']}/dismiss", x_heed_user="rep1", if_match=read["etag"])

    assert late.status == 412


class Broken(Exception):
    """The process dies."""


async def calls(heed: Heed) -> int:
    return [each["kind"] for each in (await heed.get("/records/contact/c1/activities"))["items"]].count("call")


async def test_a_call_that_died_half_way_is_finished_by_the_next_try(
    heed: Heed, monkeypatch: pytest.MonkeyPatch
) -> None:
    await opened(heed)
    [card] = await cards(heed)
    path = f"/cards/{card['id']}/call"
    with monkeypatch.context() as patch:
        patch.setattr(heed.services.activities, "make_activity", _dies)
        assert (await heed.api("POST", path, x_heed_user="rep1")).status == 500
    assert await calls(heed) == 0

    finished = await heed.api("POST", path, x_heed_user="rep1")

    assert (finished.status, finished.json["card"]["status"], await calls(heed)) == (201, "done", 1)
    assert (await heed.api("POST", path, x_heed_user="rep1")).status == 409
    await act(heed, card["id"], "undo")
    assert await calls(heed) == 0


async def test_undoing_that_died_half_way_is_finished_by_whatever_comes_next(
    heed: Heed, monkeypatch: pytest.MonkeyPatch
) -> None:
    await opened(heed)
    [card] = await cards(heed)
    for following in ("undo", "call", "dismiss"):
        await act(heed, card["id"], "call")
        with monkeypatch.context() as patch:
            patch.setattr(heed.services.activities, "remove_activity", _dies)
            assert (await heed.api("POST", f"/cards/{card['id']}/undo", x_heed_user="rep1")).status == 500
        heed.clock.move(minutes=1)

        await act(heed, card["id"], following)
        if following != "undo":
            await act(heed, card["id"], "undo")

        assert await calls(heed) == 0, following
    assert (await heed.api("POST", f"/cards/{card['id']}/undo", x_heed_user="rep1")).status == 409


async def _dies(*_: Any) -> None:
    raise Broken


async def test_a_refused_call_stores_none(heed: Heed) -> None:
    await opened(heed)
    [card] = await cards(heed)
    await act(heed, card["id"], "dismiss")

    assert (await heed.api("POST", f"/cards/{card['id']}/call", x_heed_user="rep1")).status == 409
    assert (await heed.api("POST", f"/cards/{card['id']}/call", x_heed_user="rep1", if_match='"1"')).status == 412
    assert await calls(heed) == 0
