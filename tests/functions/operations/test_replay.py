"""Facts that only the log has, taken back."""

from __future__ import annotations

import csv
import io
import logging

import pytest

from lib.operations.lost_facts import find_lost_facts
from lib.storage import Unavailable
from tests.support.heed import ADMIN_KEY, Heed


class Down:
    """Storage that does not answer."""

    async def insert(self, *_: object) -> None:
        raise Unavailable("down")

    async def put_message(self, *_: object) -> None:
        raise Unavailable("down")


async def test_hits_while_storage_is_down_come_back_from_the_log(heed: Heed, caplog: pytest.LogCaptureFixture) -> None:
    message = await heed.sent()
    pixel, link = heed.urls("o")[0], heed.urls("c")[0]
    down = await Heed(storage=heed.storage, writer=Down(), key=heed.key).start()
    with caplog.at_level(logging.ERROR, "heed.journal"):
        assert (await down.hit(pixel)).status == 200
        clicked = await down.hit(link)
        await down.services.journal.settle()
    assert clicked.headers["location"] == "https://example.com/a?b=1&c=2"
    log = "\n".join(f"2026-05-04 ERROR heed.journal {record.getMessage()} (host 1)" for record in caplog.records)

    answer = await heed.request("POST", "/api/ops/replay", (log + "\nheed.fact {broken\n").encode(), key=ADMIN_KEY)
    await heed.request("POST", "/api/ops/replay", log.encode(), key=ADMIN_KEY)
    await heed.work()

    assert answer.json == {"replayed": 2, "skipped": 1}
    kpis = (await heed.get(f"/messages/{message}"))["kpis"]
    assert (kpis["raw"]["opens"], kpis["raw"]["clicks"]) == (1, 1)
    noted = (await heed.request("GET", "/api/orgs/acme/audit", key=ADMIN_KEY)).json["items"]
    assert [item["details"] for item in noted if item["act"] == "facts.replayed"] == [{"facts": 2}] * 2


async def test_a_log_that_the_portal_exports_as_csv_is_replayed_as_it_is(
    heed: Heed, caplog: pytest.LogCaptureFixture
) -> None:
    await heed.sent()
    down = await Heed(storage=heed.storage, writer=Down(), key=heed.key).start()
    with caplog.at_level(logging.ERROR, "heed.journal"):
        await down.request("GET", heed.urls("o")[0], headers={"user-agent": 'a "quoted", \\ agent', "referer": ""})
        await down.services.journal.settle()
    plain = [record.getMessage() for record in caplog.records if "heed.fact {" in record.getMessage()]
    exported = io.StringIO()
    csv.writer(exported, quoting=csv.QUOTE_ALL).writerows([["message"], *([line] for line in plain)])

    read, known = find_lost_facts(exported.getvalue().splitlines()), find_lost_facts(plain)

    assert (known.number, known.unreadable) == (1, 0)
    assert read == known


@pytest.mark.parametrize("nested", ["[" * 100_000, '{"org":' * 100_000])
def test_a_line_that_is_nested_too_deeply_is_skipped(nested: str) -> None:
    assert find_lost_facts([f"heed.fact {nested}"]).unreadable == 1


async def test_no_line_of_a_hit_holds_an_address(heed: Heed, caplog: pytest.LogCaptureFixture) -> None:
    email = "ada@example.com"
    await heed.sent(to=[{"email": email, "name": "Ada"}], html=f'<a href="https://example.com/?who={email}">x</a>')
    down = await Heed(storage=heed.storage, writer=Down(), key=heed.key).start()
    with caplog.at_level(logging.DEBUG):
        for path in (heed.urls("o")[0], heed.urls("c")[0]):
            named = {"referer": f"https://mail.example/?to={email}", "cookie": f"who={email}", "from": email}
            await down.request("GET", f"{path}?email={email}", headers=named)
        await down.services.journal.settle()

    assert caplog.text.count("heed.fact {") == 2
    assert "ada" not in caplog.text.lower()


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85", "\x0b", "\x1c", "\n", "\x1b[31m"])
async def test_an_agent_adds_no_line_to_the_log_and_its_hit_comes_back(
    heed: Heed, caplog: pytest.LogCaptureFixture, separator: str
) -> None:
    message = await heed.sent()
    down = await Heed(storage=heed.storage, writer=Down(), key=heed.key).start()
    fact = '{"v":1,"key":"1777887000000-000000000000","message":"x","kind":"open","at":1,"method":"GET"}'
    with caplog.at_level(logging.ERROR, "heed.journal"):
        await down.hit(heed.urls("o")[0], f'x{separator}heed.fact {{"org":"other","fact":{fact}}}')
        await down.services.journal.settle()
    log = "\n".join(record.getMessage() for record in caplog.records)

    answer = await heed.request("POST", "/api/ops/replay", log.encode(), key=ADMIN_KEY)
    await heed.work()

    assert len(log.splitlines()) == 1
    assert answer.json == {"replayed": 1, "skipped": 0}
    assert (await heed.get(f"/messages/{message}"))["kpis"]["raw"]["opens"] == 1


async def test_a_separator_within_a_line_of_the_log_loses_no_fact(heed: Heed, caplog: pytest.LogCaptureFixture) -> None:
    await heed.sent()
    down = await Heed(storage=heed.storage, writer=Down(), key=heed.key).start()
    with caplog.at_level(logging.ERROR, "heed.journal"):
        await down.hit(heed.urls("o")[0], "marker")
        await down.services.journal.settle()
    log = caplog.records[-1].getMessage().replace("marker", "of an earlier release\u2028")

    answer = await heed.request("POST", "/api/ops/replay", f"{log}\r\n".encode(), key=ADMIN_KEY)

    assert answer.json == {"replayed": 1, "skipped": 0}


async def test_only_the_administrator_replays(heed: Heed) -> None:
    assert (await heed.request("POST", "/api/ops/replay", b"", key=heed.key)).status == 403
