"""Reports: which messages a scanner has made look busy."""

from __future__ import annotations

import pytest

from tests.support.heed import Heed


async def opened(heed: Heed, times: int, **fields: object) -> str:
    message = await heed.sent(**fields)
    url = heed.urls("o")[0]
    for _ in range(times):
        await heed.hit(url, "curl/8.5")
    await heed.work()
    return message


async def test_messages_with_more_than_twenty_raw_opens_are_listed_most_first(heed: Heed) -> None:
    await opened(heed, 20)
    some = await opened(heed, 21, subject="Some")
    most = await opened(heed, 25, subject="Most")

    report = await heed.get("/reports/scanner-noise")

    assert [(item["id"], item["tag"], item["kpis"]["raw"]["opens"]) for item in report["items"]] == [
        (most, "scanner noise", 25),
        (some, "scanner noise", 21),
    ]
    listed = {item["id"]: item for item in (await heed.get("/messages"))["items"]}
    for item in report["items"]:
        assert {name: value for name, value in item.items() if name != "tag"} == listed[item["id"]]
    assert report["next"] is None


async def test_the_report_comes_in_pages(heed: Heed) -> None:
    messages = [await opened(heed, 21 + number) for number in range(3)]

    first = await heed.get("/reports/scanner-noise?limit=2")
    second = await heed.get(f"/reports/scanner-noise?limit=2&cursor={first['next']}")

    assert [item["id"] for page in (first, second) for item in page["items"]] == messages[::-1]
    assert second["next"] is None


async def test_a_month_is_that_of_sending_and_the_current_one_unless_named(heed: Heed) -> None:
    of_may = await opened(heed, 21)
    heed.clock.move(days=30)
    of_june = await opened(heed, 21)

    async def listed(query: str) -> list[str]:
        return [item["id"] for item in (await heed.get(f"/reports/scanner-noise{query}"))["items"]]

    assert await listed("") == [of_june]
    assert await listed("?month=2026-05") == [of_may]
    assert await listed("?month=2026-04") == []


@pytest.mark.parametrize("month", ["2026-13", "2026-00", "2026-5", "26-05", "may", "2026-05-01", "٢٠٢٦-05"])
async def test_a_month_that_is_none_is_refused(heed: Heed, month: str) -> None:
    answer = await heed.api("GET", f"/reports/scanner-noise?month={month}")

    assert (answer.status, answer.json["errors"][0]["loc"]) == (422, ["query", "month"])


@pytest.fixture
def three_a_day_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("functions.resources.reports._MOST_COUNTED", 6)  # on two days


async def mix_of(heed: Heed, days: int = 2) -> tuple[list[tuple[str, int]], bool]:
    mix = await heed.get(f"/reports/verdicts?days={days}")
    return [(day["day"], day["messages"]) for day in mix["days"]], mix["is_complete"]


@pytest.mark.usefixtures("three_a_day_are_counted")
async def test_verdicts_of_as_many_mails_as_are_counted_are_complete(heed: Heed) -> None:
    for _ in range(3):
        await heed.sent()
    assert await mix_of(heed) == ([("2026-05-04", 3)], True)

    await heed.sent()
    assert await mix_of(heed) == ([("2026-05-04", 3)], False)


@pytest.mark.usefixtures("three_a_day_are_counted")
@pytest.mark.parametrize("older", [1, 4])
async def test_mail_of_before_the_days_leaves_the_count_complete(heed: Heed, older: int) -> None:
    for number in range(older):
        await (heed.sent() if number % 2 == 0 else heed.draft())
    heed.clock.move(days=2)
    for _ in range(3):
        await heed.sent()

    assert await mix_of(heed) == ([("2026-05-06", 3)], True)


@pytest.mark.usefixtures("three_a_day_are_counted")
async def test_drafts_of_the_days_do_not_count(heed: Heed) -> None:
    await heed.sent()
    for _ in range(3):
        await heed.draft()

    assert await mix_of(heed) == ([("2026-05-04", 1)], True)


async def test_the_first_day_begins_at_midnight_in_utc(heed: Heed) -> None:
    heed.clock.move(hours=14, minutes=29)  # 23:59 of the day on which tests begin
    await heed.sent()
    heed.clock.move(minutes=1)
    await heed.sent()

    assert await mix_of(heed, days=1) == ([("2026-05-05", 1)], True)
    assert await mix_of(heed) == ([("2026-05-05", 1), ("2026-05-04", 1)], True)
