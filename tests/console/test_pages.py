"""What every page of the console keeps: its policy, its size, and how often it asks storage."""

from __future__ import annotations

import re
from typing import Any

import pytest

from functions.console.static_files import FOLDER
from lib.storage import Unavailable
from lib.storage.memory import memory_storage
from tests.console.site import Visitor, sealed
from tests.console.world import World, make_world
from tests.support.heed import Heed
from tests.support.rounds import LARGEST, MOST_REQUESTS, MOST_ROUNDS, Counted, counting_rounds


def paths(world: World) -> list[str]:
    """The pages that hold something, below `/console/`."""
    shown = [f"messages/{message}" for message in (world.offer, world.quiet, world.bounced, world.draft)]
    offer, eve, ada = (sealed(world.heed, each) for each in ("offer", "eve@contoso.example", "ada@example.com"))
    lists = ["messages", "messages?view=all&whose=all", "messages?view=received", f"messages?q={offer}&sort=-opens"]
    reports = ["reports/scanner-noise", "reports/reliability"]
    work = ["reminders", "failures", "templates", "templates/first", "templates/first/edit", "templates/new"]
    lists_of_people = ["people", f"people?address={eve}", f"people?address={ada}", "engaged"]
    one = ["people/contact/ada", "people/contact/ada/merge", "people/contact/ada/merge?into=contact%2Fbob"]
    address = [f"people/address?address={eve}", f"people/erase?address={eve}"]
    people = [*lists_of_people, *one, *address, "track?regarding=contact%2Fada", f"options?mute={world.offer}"]
    steps = [f"write/{world.draft}{step}" for step in ("", "/preview", "/check", "/template")]
    timing = [f"write/{world.scheduled}/time", f"write/{world.scheduled}/reminder"]
    writing = ["write", *steps, *timing]
    return ["", *lists, *shown, f"conversations/{world.offer}", *writing, *people, *work, *reports]


async def test_each_page_takes_four_rounds_and_twelve_requests_at_most() -> None:
    counted = Counted()
    heed = Heed(storage=counting_rounds(memory_storage(), counted))
    world = await make_world(await heed.start(inbound={"keep": "excerpt"}))
    rita = Visitor(world.heed)
    await rita.sign_in()
    for path in paths(world):
        counted.clear()
        await rita.page(path)
        assert (path, counted.rounds <= MOST_ROUNDS, counted.requests <= MOST_REQUESTS) == (path, True, True), counted


async def test_a_search_that_passes_over_much_mail_takes_no_more() -> None:
    counted = Counted()
    heed = await Heed(storage=counting_rounds(memory_storage(), counted)).start()
    for number in range(60):
        await heed.draft(subject=f"Offer {number}")
    rita = Visitor(heed)
    await rita.sign_in()
    searches = [f"q={sealed(heed, words)}" for words in ("nothing", "Offer 1")]
    for filters in (*searches, "status=failed&sort=subject", "sent_before=2020-01-01"):
        counted.clear()
        await rita.page(f"messages?view=all&whose=all&{filters}")
        assert counted.rounds <= MOST_ROUNDS, (filters, counted)


async def test_no_page_is_larger_than_60_kb(world: World, rita: Visitor) -> None:
    for number in range(60):
        await world.heed.draft(subject=f"Offer {number} for the whole of the coming year, with all prices")
    for path in paths(world):
        assert len(await rita.page(path)) < LARGEST, path


async def test_every_page_has_the_strict_policy(world: World, rita: Visitor) -> None:
    for path in [*paths(world), "sign-in"]:
        answer = await rita.get(path)
        policy = answer.headers["content-security-policy"]
        assert "unsafe" not in policy
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert "frame-src 'self'" in policy
        assert answer.headers["cache-control"] == "no-store"
        html = answer.body.decode()
        assert not re.search(r"<script(?! src)|\son\w+=|\sstyle=|<style", html), path


async def test_a_mails_body_is_shown_without_what_it_would_run_or_load(world: World, rita: Visitor) -> None:
    answer = await rita.get(f"messages/{world.offer}/body")

    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:;")
    assert "frame-ancestors 'self'" in policy
    assert answer.headers["x-dns-prefetch-control"] == "off"
    assert "https://elsewhere.example/pixel.png" in answer.body.decode()  # which the policy keeps from loading
    assert "/o/" not in answer.body.decode()


def test_every_rule_of_the_stylesheet_is_closed_where_it_ends() -> None:
    """An open `@media` would keep all that follows from wide screens."""
    depth = 0
    for line in (FOLDER / "console.css").read_text(encoding="utf-8").splitlines():
        assert depth == 0 or not line.startswith("/*"), line
        depth += line.count("{") - line.count("}")
    assert depth == 0


async def test_static_files_are_kept_for_good(rita: Visitor) -> None:
    html = await rita.page()
    for path in set(re.findall(r'(?:href|src)="/console/(static/[^"]+)"', html)):
        answer = await rita.get(path)
        assert answer.status == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert re.search(r"\.[0-9a-f]{16}\.(css|js|svg)$", path)
    assert (await rita.get("static/console.css")).status == 404
    assert (await rita.get("static/../answers.py")).status == 404


async def test_while_storage_is_down_the_page_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    heed = await Heed().start()
    visitor = Visitor(heed)
    await visitor.sign_in()

    async def down(*arguments: Any) -> None:
        raise Unavailable("storage does not answer")

    monkeypatch.setattr(type(heed.storage.tables), "read_row", down)
    answer = await visitor.get("messages")

    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    assert "Storage does not answer just now" in answer.body.decode()


async def test_an_unknown_page_leads_back(rita: Visitor) -> None:
    for path in ("nothing", "messages/zz", "messages/" + 32 * "0", "conversations/" + 32 * "0"):
        answer = await rita.get(path)
        assert answer.status == 404
        assert 'href="/console/"' in answer.body.decode()


async def test_an_empty_organization_is_told_what_will_come(visitor: Visitor) -> None:
    assert "Nothing to do yet" in await visitor.page()
    assert "No followed mail yet" in await visitor.page("messages")
    assert "Nothing fits these filters" in await visitor.page(f"messages?q={sealed(visitor.heed, 'offer')}")


async def test_what_others_wrote_is_escaped(visitor: Visitor) -> None:
    heed = visitor.heed
    name = '<script>alert("a")</script>'
    message = await heed.sent(subject=name, to=[{"email": "x@example.com", "name": name}])
    for path in (f"messages/{message}", "messages", f"conversations/{message}"):
        assert "<script>alert" not in await visitor.page(path)


HOSTILE = ("'", "%00", "..%2F..", "<b>", "a" * 5000, "%F0%9F%98%80", "-1", "%E2%80%AE", "{{7*7}}", "%0D%0Ax: y")


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
async def test_no_address_makes_a_page_fail(world: World, rita: Visitor, text: str) -> None:
    names = (
        "view",
        "whose",
        "q",
        "status",
        "recipient",
        "sort",
        "sent_after",
        "cursor",
        "show",
        "did",
        "card",
        "judged",
    )
    queries = [f"?{name}={text}" for name in names]
    for path in ("", "messages", f"messages/{world.offer}", f"conversations/{world.offer}"):
        for query in queries:
            answer = await rita.get(f"{path}{query}")
            assert answer.status in (200, 400, 404, 422), (path, query)
    for path in (f"messages/{text}", f"conversations/{text}", f"messages/{world.offer}/{text}", f"static/{text}", text):
        assert (await rita.get(path)).status in (404, 400, 422), path
    for path in (f"cards/{text}/dismiss", f"messages/{text}/judge", f"messages/{world.offer}/events/{text}"):
        assert (await rita.post(path, {"was": text})).status in (400, 403, 404, 422), path


def test_the_stylesheet_closes_every_block() -> None:
    """A block that stays open takes in all that follows, as a merge can leave it."""
    depth = 0
    for number, line in enumerate((FOLDER / "console.css").read_text(encoding="utf-8").splitlines(), 1):
        assert not (line.startswith("/*") and depth), f"a part begins within a block in line {number}"
        depth += line.count("{") - line.count("}")
    assert depth == 0
