"""The state of the deployment, and judging again from afar: what an operator looks at."""

from __future__ import annotations

from typing import Any

import pytest

from functions.resources import reports
from lib.storage.layout import OUTBOX, QUEUES
from lib.verdicts.weights import WEIGHTS, Weight
from tests.support.heed import ADMIN_KEY, CHROME, GMAIL, Heed
from tests.support.judging import weigh_anew


async def test_queues_tell_what_waits_and_what_was_given_up(heed: Heed) -> None:
    await heed.storage.queues.send(OUTBOX, "{}")
    heed.storage.queues.dead_letters.bury(OUTBOX, b"{}", heed.clock.now())  # type: ignore[attr-defined]

    state = (await heed.request("GET", "/api/health/deep", key=ADMIN_KEY)).json

    queues = {each["queue"]: each for each in state["queues"]}
    assert set(queues) == set(QUEUES)
    assert (queues[OUTBOX]["waiting"], queues[OUTBOX]["dead"]) == (1, 1)


async def test_a_sweep_that_does_not_run_falls_behind(heed: Heed) -> None:
    async def lag() -> object:
        [sweep] = (await heed.request("GET", "/api/health/deep", key=ADMIN_KEY)).json["sweeps"]
        return sweep["lag_seconds"]

    assert await lag() is None
    await heed.services.sweep.run()
    heed.clock.move(days=2)
    await heed.services.sweep.run()
    assert await lag() == 0
    heed.clock.move(minutes=30)
    assert await lag() == 1800


async def test_each_catalogue_tells_its_newest_date(heed: Heed) -> None:
    catalogues = (await heed.request("GET", "/api/health/deep", key=ADMIN_KEY)).json["catalogues"]
    assert {each["name"] for each in catalogues} >= {"agents", "networks", "gateways", "owners"}
    assert all(each["as_of"] >= "2026-01" for each in catalogues if each["as_of"])


async def test_the_state_is_for_the_administrator_alone(heed: Heed) -> None:
    assert (await heed.request("GET", "/api/health/deep", key=heed.key)).status == 403
    assert (await heed.request("POST", "/api/orgs/acme/reassess", {}, key=heed.key)).status == 403


async def test_verdicts_are_counted_by_the_day_of_sending(heed: Heed) -> None:
    await heed.sent(html='<p><a href="https://example.com/a">a</a></p>')
    heed.clock.move(hours=2)
    await heed.hit(heed.urls("o")[0], CHROME)
    await heed.hit(heed.urls("c")[0], CHROME)
    await heed.work()

    mix = await heed.get("/reports/verdicts")

    [day] = mix["days"]
    assert (day["day"], day["messages"], mix["is_complete"]) == ("2026-05-04", 1, True)
    assert day["human"] + day["machine"] + day["uncertain"] == 2
    assert (await heed.request("GET", "/api/orgs/acme/reports/verdicts", key=ADMIN_KEY)).json == mix
    heed.clock.move(days=30)
    assert (await heed.get("/reports/verdicts"))["days"] == []


async def test_days_with_much_mail_are_counted_in_part_and_other_days_as_a_whole(
    heed: Heed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "_MOST_COUNTED", 4)
    heed.clock.move(hours=14, minutes=29, seconds=59)  # the last second of the day
    for hours in (0, 0, 0, 20):
        heed.clock.move(hours=hours)
        await heed.post(f"/messages/{await heed.draft()}/send")
        await heed.work()

    async def counted(days: int) -> tuple[list[tuple[str, int]], bool]:
        mix = await heed.get(f"/reports/verdicts?days={days}")
        return [(each["day"], each["messages"]) for each in mix["days"]], mix["is_complete"]

    assert await counted(2) == ([("2026-05-05", 1), ("2026-05-04", 2)], False)
    assert await counted(1) == ([("2026-05-05", 1)], True)


async def test_judging_again_tells_first_and_writes_when_asked(heed: Heed, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = [await heed.sent(subject=f"Offer {number}") for number in range(3)]
    heed.clock.move(hours=2)
    await heed.hit(heed.urls("o")[0], GMAIL, x_forwarded_for="66.249.84.1")
    await heed.work()

    async def reassess(query: str = "", **body: bool) -> Any:
        return (await heed.request("POST", f"/api/orgs/acme/reassess{query}", body, key=ADMIN_KEY)).json

    async def verdicts() -> list[str]:
        return [each["verdict"]["class"] for each in (await heed.get(f"/messages/{sent[2]}/timeline"))["items"]]

    assert await verdicts() == ["human"]
    # New rules: Gmail's proxy means nothing good any more.
    monkeypatch.setitem(WEIGHTS, "image-proxy", Weight(-9.0, 0.0, "a test"))
    weigh_anew()

    first = await reassess("?limit=2")
    rest = await reassess(f"?limit=2&cursor={first['next']}")
    assert [each["message"] for each in first["items"] + rest["items"]] == sent[::-1]
    assert [each["changed"] for each in first["items"]] == [1, 0]
    assert (first["items"][0]["changes"][0]["now"], first["written"], rest["next"]) == ("machine", False, None)
    assert await verdicts() == ["human"]

    assert (await reassess(write=True))["written"]
    assert await verdicts() == ["machine"]
    audit = (await heed.request("GET", "/api/orgs/acme/audit", key=ADMIN_KEY)).json["items"]
    details = [each["details"] for each in audit if each["act"] == "verdicts.judged_again"]
    assert details == [{"messages": 3, "changed": 1}]
    weigh_anew()
    assert (await heed.request("POST", "/api/orgs/nothere/reassess", {}, key=ADMIN_KEY)).status == 404
