"""The report on reliability: what was said of certain cases, and what came true, counted once whatever happens."""

from __future__ import annotations

import re
from email.utils import format_datetime
from typing import Any

import pytest

from infra.local.host.invocation import InvocationError
from lib.reliability.counting import ReliabilityCounting
from lib.reliability.shares import ReliabilityShare, ReliabilityTally
from lib.storage import Delete
from lib.storage.memory import MemoryQueues
from tests.functions.resources.test_feedback import say
from tests.functions.resources.test_verdicts import HOME, SCANNER, THREE_LINKS, codes, timeline
from tests.support.heed import CHROME, Heed
from tests.support.inbound import answer_to, receive
from tests.support.known_subject import run_job

ADA = "ada@example.com"


async def answered(heed: Heed) -> str:
    """A mail that was opened and answered."""
    message = await heed.sent()
    await heed.hit(heed.urls("o")[0], CHROME, **HOME)
    await heed.work()
    await answer(heed, message)
    return message


async def answer(heed: Heed, message: str) -> None:
    """Let Ada answer, five minutes later."""
    heed.clock.move(minutes=5)
    mail = re.sub(rb"Date: .*", f"Date: {format_datetime(heed.clock.now())}".encode(), await answer_to(heed, message))
    await receive(heed, mail)
    await heed.work()


async def report(heed: Heed, query: str = "") -> Any:
    return await heed.get(f"/reports/reliability{query}")


async def test_an_open_before_an_answer_came_true_with_what_was_said_before_the_answer(heed: Heed) -> None:
    message = await heed.sent()
    await heed.hit(heed.urls("o")[0], CHROME, **HOME)
    await heed.work()
    said = (await timeline(heed, message))[0]["verdict"]["human_probability"]
    assert (await report(heed))["opens"]["cases"] == 0
    await answer(heed, message)

    opens = (await report(heed))["opens"]

    assert (opens["cases"], opens["came_true"], opens["said"]) == (1, 1.0, said)
    assert opens["error"] == pytest.approx(1 - said, abs=0.001)
    assert opens["by_evidence"] == {"reply": 1, "hidden_link": 0, "declared": 0, "feedback": 0}
    [filled] = [each for each in opens["bins"] if each["cases"]]
    assert filled["low"] <= said <= filled["high"]
    assert len(opens["bins"]) == 10


async def test_a_hidden_link_and_a_listed_scanner_came_false() -> None:
    trap = await Heed().start(honeypot=True)
    await trap.sent(html=THREE_LINKS)
    for link in trap.urls("c"):
        await trap.hit(link, **HOME)
        trap.clock.move(seconds=1)
    await trap.work()
    await trap.hit(trap.urls("o")[0], **SCANNER)
    await trap.work()

    found = await report(trap)

    assert (found["clicks"]["cases"], found["clicks"]["came_true"]) == (1, 0.0)
    assert found["clicks"]["by_evidence"]["hidden_link"] == 1
    assert (found["opens"]["cases"], found["opens"]["by_evidence"]["declared"]) == (1, 1)


async def test_feedback_makes_a_case_and_takes_it_back(heed: Heed) -> None:
    message = await heed.sent()
    await heed.hit(heed.urls("o")[0], CHROME, **HOME)
    await heed.work()
    [event] = await timeline(heed, message)

    await say(heed, message, event["id"], "machine")
    one = (await report(heed))["opens"]
    await say(heed, message, event["id"], "person")
    other = (await report(heed))["opens"]
    await say(heed, message, event["id"], None)

    assert (one["cases"], one["came_true"], one["by_evidence"]["feedback"]) == (1, 0.0, 1)
    assert (other["cases"], other["came_true"]) == (1, 1.0)
    assert (await report(heed))["opens"]["cases"] == 0


async def test_a_month_is_that_of_sending_and_the_current_one_unless_named(heed: Heed) -> None:
    await answered(heed)
    heed.clock.move(days=30)

    assert (await report(heed))["opens"]["cases"] == 0
    of_may = await report(heed, "?month=2026-05")
    assert (of_may["month"], of_may["opens"]["cases"]) == ("2026-05", 1)
    assert (await heed.api("GET", "/reports/reliability?month=2026-13")).status == 422


async def test_an_organization_that_counts_without_who_has_no_cases() -> None:
    heed = await Heed().start(tracking="aggregate")
    await answered(heed)

    assert (await report(heed))["opens"]["cases"] == 0
    assert (await heed.services.reliability.load_month("acme", "2026-05")) == ReliabilityTally()


async def test_cases_of_before_go_when_an_organization_begins_to_count_without_who(heed: Heed) -> None:
    message = await answered(heed)
    await heed.organization("acme", tracking="aggregate")
    heed.clock.move(minutes=2)
    await heed.services.assessor.refresh("acme", message)

    assert (await report(heed))["opens"]["cases"] == 0
    assert (await heed.services.reliability.load_month("acme", "2026-05")).counts == {}


async def test_hits_that_come_again_and_messages_that_are_judged_again_count_once(heed: Heed) -> None:
    message = await heed.sent()
    for _ in range(3):
        await heed.hit(heed.urls("o")[0], **SCANNER)
    await heed.services.journal.settle()
    queues = heed.storage.queues
    assert isinstance(queues, MemoryQueues)
    queues.waiting = [*queues.waiting, *queues.waiting]
    await heed.work()
    await heed.post(f"/messages/{message}/reassess")

    assert (await report(heed))["opens"]["cases"] == 1


@pytest.mark.parametrize("step", ["exchange", "plan"])
async def test_a_process_that_dies_half_way_leaves_the_case_to_the_next_assessment(
    heed: Heed, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    message = await heed.sent()
    await heed.hit(heed.urls("o")[0], **SCANNER)

    async def dies(*_: Any) -> None:
        raise SystemError("the process dies")

    with monkeypatch.context() as fault:
        if step == "exchange":
            fault.setattr(ReliabilityCounting, "enter_share", dies)
        else:
            fault.setattr(heed.services.messages, "put_summary", dies)
        with pytest.raises(InvocationError):
            await heed.work()
    await heed.services.sweep.run()
    await heed.services.assessor.refresh("acme", message)

    assert (await report(heed))["opens"]["cases"] == 1


async def test_a_share_of_an_older_generation_changes_nothing(heed: Heed) -> None:
    message = await answered(heed)

    await heed.services.reliability.enter_share("acme", "2026-05", message, ReliabilityShare(generation=0))

    assert (await report(heed))["opens"]["cases"] == 1


async def test_a_sum_that_is_missing_is_counted_anew(heed: Heed) -> None:
    message = await answered(heed)
    tally = await heed.services.reliability.load_month("acme", "2026-05")
    name = "heedacmeindex"
    rows = [row async for row in heed.storage.tables.query(name, "reliability") if row.key.startswith("c|")]
    await heed.storage.tables.write_rows(name, [Delete(row.partition, row.key) for row in rows])
    share = await heed.services.reliability.load_share("acme", "2026-05", message)
    assert share is not None

    later = share.model_copy(update={"generation": share.generation + 1})
    await heed.services.reliability.enter_share("acme", "2026-05", message, later)

    assert await heed.services.reliability.load_month("acme", "2026-05") == tally


async def test_cases_last_when_what_they_were_judged_by_is_deleted(heed: Heed) -> None:
    message = await answered(heed)
    before = await report(heed)
    heed.clock.move(days=20)
    until = int(heed.clock.now().timestamp() * 1000)
    await heed.services.assessor.retire_facts("acme", message, until, until)
    await heed.post(f"/messages/{message}/reassess")

    assert await report(heed) == before


@pytest.mark.parametrize("query", ["", "?also_sent_mail=true"])
async def test_an_erasure_takes_the_recipients_cases(heed: Heed, query: str) -> None:
    await answered(heed)
    assert (await report(heed))["opens"]["cases"] == 1

    await run_job(heed, "DELETE", query, ADA)

    assert await heed.services.reliability.load_month("acme", "2026-05") == ReliabilityTally()


async def test_rows_of_reliability_hold_no_address(heed: Heed) -> None:
    await answered(heed)
    rows = [row async for row in heed.storage.tables.query("heedacmeindex", "reliability")]

    assert rows
    assert not [row for row in rows if "example" in f"{row}"]


async def test_the_experience_of_an_organization_is_in_its_verdicts_after_some_minutes(
    heed: Heed, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = await heed.sent()
    await heed.hit(heed.urls("o")[0], CHROME, **HOME)
    await heed.work()
    monkeypatch.setattr("lib.reliability.counting.prior_shift", lambda _: {"open": -0.5})
    heed.clock.move(minutes=6)

    await heed.post(f"/messages/{message}/reassess")

    [event] = await timeline(heed, message)
    assert "organization-s-experience" in codes(event)
    assert (await report(heed))["opens"]["prior_shift"] == -0.5
