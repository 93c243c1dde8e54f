"""The operator's part of the console: a way in of its own, and work that is looked at before it is done."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest

from lib.storage.layout import OUTBOX
from lib.verdicts.weights import WEIGHTS, Weight
from tests.console.site import FORM, Visitor
from tests.support.failing import Failure, failing_storage
from tests.support.heed import ADMIN_KEY, GMAIL, Heed, Response
from tests.support.judging import weigh_anew

PAGES = ("operator", "operator/dead-letters", "operator/verdicts", "operator/rejudge")


class Operator(Visitor):
    """A person who holds the administrator's key."""

    async def enter(self, key: str = ADMIN_KEY) -> Response:
        body = urlencode({"key": key}).encode()
        answer = await self.heed.request("POST", "/console/operator/sign-in", body, headers=FORM)
        self.cookie = answer.headers.get("set-cookie", "").split(";")[0]
        return answer

    async def send(self, path: str, fields: dict[str, str]) -> Response:
        token = (await self.page("operator")).partition('name="form_token" value="')[2].partition('"')[0]
        return await self.post_raw(path, {"form_token": token, **fields})


@pytest.fixture
async def operator(heed: Heed) -> Operator:
    made = Operator(heed)
    await made.enter()
    return made


async def test_the_way_in_takes_the_administrators_key_alone(heed: Heed) -> None:
    stranger = Operator(heed)
    for path in PAGES:
        assert "The administrator’s key" in await stranger.page(path)
    for key in (heed.key, "wrong"):
        answer = await stranger.enter(key)
        assert (answer.status, "set-cookie" in answer.headers) == (401, False)
        assert "This is not the administrator" in answer.body.decode()

    answer = await stranger.enter()

    assert answer.headers["location"] == "/console/operator"
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-heed-operator=")
    assert all(flag in cookie for flag in ("HttpOnly", "Secure", "SameSite=Lax", "Max-Age=3600"))
    assert ADMIN_KEY not in cookie
    for path in PAGES:
        assert "The administrator’s key" not in await stranger.page(path)


async def test_a_session_ends_after_an_hour_and_by_signing_out(operator: Operator) -> None:
    answer = await operator.send("operator/sign-out", {})
    assert answer.headers["set-cookie"].startswith("__Host-heed-operator=;")
    operator.heed.clock.move(minutes=61)
    assert "The administrator’s key" in await operator.page("operator")


async def test_a_session_of_a_person_is_none_of_an_operator(visitor: Visitor, operator: Operator) -> None:
    sealed = visitor.cookie.partition("=")[2]
    stranger = Operator(visitor.heed)
    stranger.cookie = f"__Host-heed-operator={sealed}"
    assert "The administrator’s key" in await stranger.page("operator")
    assert (await operator.get("messages")).status == 303


async def test_another_key_of_the_administrator_ends_sessions(operator: Operator) -> None:
    other = Heed(clock=operator.heed.clock, storage=operator.heed.storage, settings={"HEED_ADMIN_KEY": "k" * 40})
    visitor = Operator(other)
    visitor.cookie = operator.cookie
    assert "The administrator’s key" in await visitor.page("operator")


async def test_a_form_of_another_page_does_nothing(operator: Operator) -> None:
    heed = operator.heed
    heed.storage.queues.dead_letters.bury(OUTBOX, b"{}", heed.clock.now())  # type: ignore[attr-defined]
    assert (await operator.post_raw("operator/dead-letters", {"queue": OUTBOX})).status == 403
    answer = await operator.post_raw("operator/dead-letters", {"queue": OUTBOX}, sec_fetch_site="cross-site")
    assert answer.status == 403
    assert await heed.storage.queues.dead_letters.count(OUTBOX) == 1


async def test_every_page_keeps_the_strict_policy(operator: Operator) -> None:
    for path in PAGES:
        answer = await operator.get(path)
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"
        assert not re.search(r"<script(?! src)|\son\w+=|\sstyle=|<style", answer.body.decode()), path
    assert (await operator.get("operator/nothing")).status == 404


async def test_the_state_tells_of_queues_sweeps_and_catalogues(operator: Operator) -> None:
    heed = operator.heed
    await heed.services.sweep.run()
    heed.clock.move(days=2)
    await heed.services.sweep.run()
    heed.clock.move(minutes=40)
    await operator.enter()
    page = await operator.page("operator")
    assert "that of acme is 2400 s behind" in page
    assert re.search(r"<th scope=\"row\">acme</th>.*40 minutes", page)
    assert re.search(r"<th scope=\"row\">networks</th><td[^>]*>20\d\d-\d\d", page)


async def test_the_state_tells_what_it_can_while_storage_is_down(operator: Operator) -> None:
    storage = operator.heed.storage
    down = Heed(clock=operator.heed.clock, storage=failing_storage(storage, failure := Failure()))
    failure.fail_always()
    visitor = Operator(down)
    visitor.cookie = operator.cookie
    page = await visitor.page("operator")
    assert "Something is failing" in page
    assert "does not answer" in page
    assert re.search(r"<th scope=\"row\">networks</th><td[^>]*>20\d\d-\d\d", page)


async def test_dead_letters_are_put_back_one_by_one_or_all(operator: Operator) -> None:
    heed = operator.heed
    for _ in range(3):
        heed.storage.queues.dead_letters.bury(OUTBOX, b"{}", heed.clock.now())  # type: ignore[attr-defined]
    page = await operator.page("operator/dead-letters")
    assert "Try all 3 of outbox again" in page
    first = re.findall(r'name="id" value="([^"]+)"', page)[0]

    await operator.send("operator/dead-letters", {"queue": OUTBOX, "id": first})
    assert await heed.storage.queues.dead_letters.count(OUTBOX) == 2
    answer = await operator.send("operator/dead-letters", {"queue": OUTBOX})
    assert "There is none" in await operator.page(answer.headers["location"].removeprefix("/console/"))


async def test_verdicts_are_shown_by_day_and_changed_only_after_a_look(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    heed = operator.heed
    message = await heed.sent(subject="A secret offer")
    await heed.hit(heed.urls("o")[0], GMAIL, x_forwarded_for="66.249.84.1")
    heed.clock.move(seconds=30)
    await heed.work()
    await operator.enter()
    page = await operator.page("operator/verdicts?org=acme")
    assert re.search(r'2026-05-04</th>.*Followed mails">1</td>.*People">1</td>', page)
    monkeypatch.setitem(WEIGHTS, "image-proxy", Weight(-9.0, 0.0, "a test"))
    weigh_anew()

    shown = (await operator.send("operator/rejudge", {"org": "acme"})).body.decode()
    assert "Nothing is written yet: 1 verdict of 1 look would change" in shown
    assert "A secret offer" not in shown
    assert (await heed.get(f"/messages/{message}"))["kpis"]["opens"] == 1

    written = (await operator.send("operator/rejudge", {"org": "acme", "write": "yes"})).body.decode()
    assert "Written: 1 verdict of 1 look changed" in written
    assert (await heed.get(f"/messages/{message}"))["kpis"]["opens"] == 0
    weigh_anew()
