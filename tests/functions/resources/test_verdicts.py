"""Verdicts follow the evidence, over the API: what comes later changes what was said, and all that follows from it."""

from __future__ import annotations

from typing import Any

import pytest

from heed.rejudging import rejudge
from lib.verdicts.weights import WEIGHTS, Weight
from tests.support.heed import ADMIN_KEY, CHROME, GMAIL, Heed
from tests.support.judging import weigh_anew

LANGUAGE = {"accept_language": "en"}
SCANNER = {"x_forwarded_for": "40.92.1.2", **LANGUAGE}
HOME = {"x_forwarded_for": "81.2.69.7", **LANGUAGE}
THREE_LINKS = "".join(f'<a href="https://example.com/{place}">{place}</a> ' for place in range(3))


async def timeline(heed: Heed, message: str) -> list[Any]:
    return list((await heed.get(f"/messages/{message}/timeline"))["items"])


def codes(event: Any) -> set[str]:
    return {reason["code"] for reason in event["verdict"]["reasons"]}


async def test_every_verdict_comes_with_its_reasons_weights_and_sources(heed: Heed) -> None:
    message = await heed.sent()
    await heed.hit(heed.urls("o")[0], CHROME, **SCANNER)
    await heed.work()

    [event] = await timeline(heed, message)
    assert event["verdict"]["class"] == "machine"
    assert event["verdict"]["human_probability"] < 0.1
    first = event["verdict"]["reasons"][0]
    assert first["text"] == "It came from Microsoft 365's mail protection, which scans mail and where nobody reads it."
    assert first["weight"] < 0
    assert first["source"]


async def test_a_first_click_is_judged_again_when_the_others_follow_within_seconds(heed: Heed) -> None:
    message = await heed.draft(html=THREE_LINKS)
    await heed.post(f"/messages/{message}/send")
    await heed.work()
    heed.clock.move(minutes=3)
    links = heed.urls("c")
    await heed.hit(links[0], **HOME)
    await heed.work()
    [alone] = await timeline(heed, message)
    for link in links[1:]:
        heed.clock.move(seconds=0.2)
        await heed.hit(link, **HOME)
    await heed.work()

    assert alone["verdict"]["class"] == "human"
    after = await timeline(heed, message)
    assert [event["verdict"]["class"] for event in after] == ["machine"] * 3
    assert "faster-than-a-hand" in codes(after[-1])
    assert (await heed.get(f"/messages/{message}"))["kpis"]["machine"]["clicks"] == 3


async def test_what_comes_from_the_users_own_networks_is_no_engagement(heed: Heed) -> None:
    await heed.put(
        "/users/rep1",
        {"email": "rep@acme.example", "name": "Rita", "opt_in": True, "networks": ["81.2.69.0/24"]},
    )
    message = await heed.sent()
    await heed.hit(heed.urls("o")[0], **HOME)
    await heed.work()

    read = await heed.get(f"/messages/{message}")
    assert (read["kpis"]["opens"], read["kpis"]["machine"]["opens"], read["kpis"]["own"]["opens"]) == (0, 1, 1)
    assert read["status_text"] == "Not yet opened"
    assert "own-network" in codes((await timeline(heed, message))[0])


@pytest.mark.parametrize(
    ("tracking", "signs"),
    [("allow", {"many-mails-at-once", "source-at-many-companies"}), ("aggregate", {"many-mails-at-once"})],
)
async def test_a_scanner_that_reads_many_outgoing_mails_is_found_across_messages(
    tracking: str, signs: set[str]
) -> None:
    """Where nobody is remembered, by the moment alone."""
    heed = await Heed().start(tracking=tracking)
    messages = []
    for number in range(5):
        messages.append(await heed.draft(to=[{"email": f"ada@company{number}.example"}]))
        await heed.post(f"/messages/{messages[-1]}/send")
    await heed.work()
    heed.clock.move(minutes=5)
    for number in range(5):
        await heed.hit(heed.urls("o", number)[0], CHROME, **HOME)
        heed.clock.move(seconds=1)
        await heed.work("outbox")
    await heed.work()
    heed.clock.move(seconds=30)
    await heed.work()

    for message in messages:
        [event] = await timeline(heed, message)
        assert codes(event) & signs
        assert event["verdict"]["class"] != "human"
    assert (await heed.get("/cards", x_heed_user="rep1"))["items"] == []


async def test_the_honeypot_gives_a_scanner_away(heed: Heed) -> None:
    trap = await Heed().start(honeypot=True)
    message = await trap.sent(html=THREE_LINKS)
    links = trap.urls("c")
    assert len(links) == 4
    for link in links:
        await trap.hit(link, **HOME)
        trap.clock.move(seconds=1)
    await trap.work()

    events = await timeline(trap, message)
    assert {event["verdict"]["class"] for event in events} == {"machine"}
    assert "honeypot" in codes(events[0])
    assert events[0]["url"] == "https://example.com/0"


async def test_a_browser_that_asks_for_privacy_is_not_followed(heed: Heed) -> None:
    message = await heed.sent()
    opened = await heed.hit(heed.urls("o")[0], dnt="1")
    clicked = await heed.hit(heed.urls("c")[0], sec_gpc="1")
    await heed.work()

    assert (opened.status, clicked.status) == (200, 302)
    [event] = await timeline(heed, message)
    assert (event["kind"], event["recipient"]) == ("click", None)


async def test_somebody_else_who_probably_read_it_is_told_without_a_name(heed: Heed) -> None:
    message = await heed.sent()
    [pixel] = heed.urls("o")
    await heed.hit(pixel, GMAIL, x_forwarded_for="66.249.84.1")
    await heed.hit(heed.urls("c")[0], CHROME, **HOME)
    heed.clock.move(hours=5)
    yahoo = "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html"
    await heed.hit(pixel, yahoo, x_forwarded_for="74.6.1.1")
    await heed.hit(heed.urls("c")[0], CHROME, x_forwarded_for="91.5.5.5", accept_language="de")
    await heed.work()

    [other] = (await heed.get(f"/messages/{message}"))["other_readers"]
    assert other["recipient"] == "ada@example.com"
    assert other["text"] == "Probably read by someone else, too."
    assert 0.5 < other["confidence"] < 0.95
    assert len(other["because"]) == 2


async def test_reassessing_says_what_has_changed_and_changes_nothing_the_second_time(
    heed: Heed, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = await heed.sent()
    await heed.hit(heed.urls("o")[0], GMAIL, x_forwarded_for="66.249.84.1")
    heed.clock.move(seconds=30)
    await heed.work()
    cards = (await heed.get("/cards", x_heed_user="rep1"))["items"]
    unchanged = await heed.post(f"/messages/{message}/reassess")
    # New rules: Gmail's proxy means nothing good any more.
    monkeypatch.setitem(WEIGHTS, "image-proxy", Weight(-9.0, 0.0, "a test"))
    weigh_anew()

    first = await heed.post(f"/messages/{message}/reassess")
    second = await heed.post(f"/messages/{message}/reassess")

    assert len(cards) == 1
    assert (unchanged["changed"], unchanged["reworded"]) == (0, 0)
    assert (first["changed"], first["facts"]) == (1, 1)
    assert (first["before"]["opens"], first["after"]["opens"]) == (1, 0)
    assert (first["changes"][0]["before"], first["changes"][0]["now"]) == ("human", "machine")
    assert (second["changed"], second["reworded"], second["before"]) == (0, 0, first["after"])
    assert (await heed.get("/cards", x_heed_user="rep1"))["items"] == []
    assert (await heed.get(f"/messages/{message}"))["kpis"]["opens"] == 0


async def test_a_stranger_cannot_have_anothers_message_reassessed(heed: Heed) -> None:
    message = await heed.sent()
    key = await heed.organization("other")

    answer = await heed.request("POST", f"/api/orgs/other/messages/{message}/reassess", key=key)

    assert answer.status == 404


async def test_judging_an_organization_again_says_first_and_writes_only_when_told(
    heed: Heed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    messages = [await heed.sent() for _ in range(3)]
    for number in range(3):
        await heed.hit(heed.urls("o", number)[0], GMAIL, x_forwarded_for="66.249.84.1")
    await heed.draft()
    await heed.work()
    monkeypatch.setitem(WEIGHTS, "image-proxy", Weight(-9.0, 0.0, "a test"))
    weigh_anew()

    said = await rejudge(heed.services, "acme", write=False)
    untouched = [(await heed.get(f"/messages/{message}"))["kpis"]["opens"] for message in messages]
    written = await rejudge(heed.services, "acme", write=True)
    again = await rejudge(heed.services, "acme", write=True)

    assert said.changed == written.changed == {"opens of people": -3, "verdicts of another class": 3}
    assert untouched == [1, 1, 1]
    assert [(await heed.get(f"/messages/{message}"))["kpis"]["opens"] for message in messages] == [0, 0, 0]
    assert again.changed["verdicts of another class"] == 0
    assert f"message {messages[0]}: 1 of 1 verdicts change" in capsys.readouterr().out


async def test_an_organization_can_be_more_easily_convinced() -> None:
    heed = await Heed().start(human_from={"open": 0.95})
    message = await heed.draft()
    await heed.post(f"/messages/{message}/send")
    await heed.work()
    heed.clock.move(seconds=40)
    await heed.hit(heed.urls("o")[0], CHROME, **HOME)
    await heed.work()
    cautious = (await timeline(heed, message))[0]["verdict"]
    settings = {"human_from": {"open": round(cautious["human_probability"] - 0.01, 2)}}

    changed = await heed.request("PATCH", "/api/orgs/acme", {"settings": settings}, key=ADMIN_KEY)
    heed.clock.move(minutes=2)
    report = await heed.post(f"/messages/{message}/reassess")

    assert changed.status == 200, changed.body
    assert cautious["class"] == "uncertain"
    assert report["after"]["opens"] == 1
