"""Advice on templates as a CRM sees it: mail that has ripened, opens that are known, contents that are the same."""

from __future__ import annotations

from typing import Any

import pytest

from heed.rejudging import rejudge
from lib.templates.follower import TemplatesFollower
from lib.templates.listing import shown
from lib.templates.rates import counted
from lib.templates.recommend import PickTerms
from lib.templates.tallies import Cell, Tally
from lib.verdicts.assessed import Plan
from lib.verdicts.weights import WEIGHTS, Weight
from tests.functions.resources.test_template_rates import item, open_last, used
from tests.support.heed import Heed
from tests.support.judging import weigh_anew

LETTER = "Dear customer, our spring offer is here: twenty percent off everything until the end of the month."


async def put(heed: Heed, name: str, subject: str = "Our spring offer", text: str = LETTER) -> None:
    await heed.put(f"/templates/{name}", {"name": name, "language": "en", "subject": subject, "text": text})


async def send_opened(heed: Heed, template: str) -> str:
    message = await heed.sent(template=template)
    await open_last(heed)
    return message


async def test_mail_counts_when_it_has_ripened_and_nothing_has_to_happen_for_that(heed: Heed) -> None:
    await put(heed, "t1")
    for _ in range(2):
        await send_opened(heed, "t1")
    heed.clock.move(days=2)
    for _ in range(3):
        await heed.sent(template="t1")

    fresh = await heed.get("/templates/t1")
    heed.clock.move(days=2)
    ripe = await heed.get("/templates/t1")

    assert (fresh["open_rate"]["rate"], fresh["open_rate"]["count"], fresh["fresh_count"]) == (1.0, 2, 3)
    assert (ripe["open_rate"]["rate"], ripe["open_rate"]["count"], ripe["fresh_count"]) == (0.4, 5, 0)
    assert fresh["sent_count"] == ripe["sent_count"] == 5


async def test_replies_take_longer_to_ripen(heed: Heed) -> None:
    await put(heed, "t1")
    await used(heed, "other", followed=10, replied=1)
    await heed.sent(template="t1")

    heed.clock.move(days=2)
    early = await heed.get("/templates/t1")
    heed.clock.move(days=2)

    assert (early["open_rate"]["count"], early["reply_rate"]) == (1, None)
    assert (await heed.get("/templates/t1"))["reply_rate"]["count"] == 1


async def test_the_reply_rate_is_unknown_until_replies_can_be_seen(heed: Heed) -> None:
    await put(heed, "t1")
    await heed.sent(template="t1")
    heed.clock.move(days=4)
    before = await heed.get("/templates/t1")

    mailbox = {
        "kind": "graph",
        "owner": "rep1",
        "user": "rep@acme.example",
        "secret": "HEED_MAILBOX_ACME_REP",
        "folders": [{"path": "Inbox"}],
    }
    await heed.put("/mailboxes/m1", mailbox)

    assert before["reply_rate"] is None
    assert (await heed.get("/templates/t1"))["reply_rate"]["rate"] == 0
    assert (await item(heed, "t1"))["reply_rate"]["rate"] == 0


async def test_opens_that_cannot_be_known_leave_the_rate(heed: Heed) -> None:
    await put(heed, "t1")
    await send_opened(heed, "t1")
    await heed.sent(template="t1")
    await heed.hit(heed.urls("o")[0], "Mozilla/5.0", x_forwarded_for="17.58.97.10")
    await heed.work()
    heed.clock.move(days=2)

    read = await heed.get("/templates/t1")

    assert (read["open_rate"]["rate"], read["open_rate"]["count"], read["unknown_count"]) == (1.0, 1, 1)
    assert read["click_rate"]["count"] == 2


async def test_another_text_starts_its_own_rates_and_a_small_correction_keeps_them(heed: Heed) -> None:
    await put(heed, "t1")
    await send_opened(heed, "t1")
    heed.clock.move(days=2)

    await put(heed, "t1", text=LETTER.replace("twenty percent", "twenty per cent"))
    corrected = await heed.get("/templates/t1")
    await put(heed, "t1", subject="Shall we talk on Tuesday?")
    another = await heed.get("/templates/t1")
    await send_opened(heed, "t1")
    heed.clock.move(days=2)
    later = await item(heed, "t1")

    assert (corrected["rates_since_version"], corrected["open_rate"]["count"]) == (1, 1)
    assert (another["version"], another["rates_since_version"], another["open_rate"]) == (3, 3, None)
    assert another["sent_count"] == 0
    assert (later["open_rate"]["count"], later["sent_count"]) == (1, 1)


async def test_mails_to_one_person_make_a_wider_interval(heed: Heed) -> None:
    await put(heed, "one")
    await put(heed, "many")
    for number in range(6):
        for template, email in (("one", "ada@example.com"), ("many", f"person{number}@example.com")):
            await heed.sent(template=template, to=[{"email": email}])
            if number % 2:
                await open_last(heed)
    heed.clock.move(days=2)

    one, many = [(await heed.get(f"/templates/{name}"))["open_rate"] for name in ("one", "many")]

    assert one["rate"] == many["rate"] == 0.5
    assert one["high"] - one["low"] > many["high"] - many["low"] + 0.02


async def test_what_is_answered_is_what_the_pure_functions_say_and_returns_exactly(
    heed: Heed, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        await put(heed, name)
    await used(heed, "a", followed=300, opened=180)
    await used(heed, "b", followed=300, opened=90)
    messages = [await send_opened(heed, name) for name in ("a", "b", "a")]
    heed.clock.move(days=4)

    async def answered() -> dict[str, Any]:
        return {each["id"]: each for each in (await heed.get("/templates"))["items"]}

    async def reassess() -> None:
        weigh_anew()
        for message in messages:
            await heed.post(f"/messages/{message}/reassess")

    before, counts_before = await answered(), await heed.services.template_counts.load_counts("acme")
    templates = await heed.services.templates.list_templates("acme")
    pure = shown(templates, counts_before, None, "any", heed.clock.now(), PickTerms(trials=0, replies_seen=False))
    with monkeypatch.context() as changed:
        changed.setitem(WEIGHTS, "image-proxy", Weight(-9.0, 0.0, "a test"))
        await reassess()
        between = await answered()
    await reassess()

    for each in pure:
        said, own = before[each.template.id], counted(each.evidence, replies_seen=False).model_dump()
        assert said["recommended_because"] == each.advice.because
        assert {name: said[name] for name in own} == own
    assert [name for name, each in before.items() if each["pick"] == "recommendation"] == ["a"]
    # One mail was sent after another to the same person: in all 302 and 301.
    assert before["a"]["open_rate"]["count"] == 302
    assert between["a"]["open_rate"]["rate"] < before["a"]["open_rate"]["rate"]
    assert await answered() == before
    assert await heed.services.template_counts.load_counts("acme") == counts_before


async def test_mail_that_was_never_counted_is_counted_oldest_first_when_all_is_judged_again(
    heed: Heed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As mail of a release that counted otherwise: the recipient is new in the first mail, and known in the second."""

    async def count_nothing(*_: object) -> Plan[None]:
        return Plan(None)

    await put(heed, "t1")
    with monkeypatch.context() as earlier:
        earlier.setattr(TemplatesFollower, "plan", count_nothing)
        await send_opened(heed, "t1")
        heed.clock.move(days=1)
        await heed.sent(template="t1")
    before = (await heed.get("/templates/t1"))["sent_count"]

    for _ in range(2):
        await rejudge(heed.services, "acme", write=True)

    counts = (await heed.services.template_counts.load_counts("acme"))["t1"]
    opened = {Cell.read(key).stratum.contact: Tally.from_numbers(each).opened for key, each in counts.cells.items()}
    assert (before, (await heed.get("/templates/t1"))["sent_count"]) == (0, 2)
    assert opened == {"new": 1, "known": 0}
