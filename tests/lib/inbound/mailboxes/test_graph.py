"""Polling folders of Microsoft Graph: every mail once, through throttling, expired links and refused tokens."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from lib.clock import SetClock
from lib.inbound.origin import Origin
from tests.support.mailboxes import SECRET, Polls, mail
from tests.support.provider_servers.faults import Answer, Cut, serving
from tests.support.provider_servers.graph_folders import GraphFolders

LONG_AGO, BEFORE, AFTER = "2020-01-01T00:00:00Z", "2026-05-04T09:00:00Z", "2026-05-04T09:31:00Z"


@pytest.fixture
async def graph() -> AsyncIterator[GraphFolders]:
    server = GraphFolders()
    async with serving(server.app) as url:
        server.url = url
        yield server


@pytest.fixture
async def polls(graph: GraphFolders) -> Polls:
    """The mailbox `m1` with an OAuth client of its own; it has not been polled."""
    made = await Polls(
        clock=SetClock(datetime(2026, 5, 4, 9, 30, tzinfo=UTC)), graph_url=f"{graph.url}/v1.0", seconds_a_server=5.0
    ).start()
    client = {"token_url": f"{graph.url}/token", "client_id": "heed", "client_secret": "hunter2"}
    made.secrets[SECRET] = json.dumps(client)
    await save(made)
    return made


async def save(polls: Polls, **fields: Any) -> None:
    await polls.save(**{"kind": "graph", "host": None, "user": "rep@acme.example", "owner": "rep1", **fields})


def later(polls: Polls, **by: float) -> None:
    assert isinstance(polls.clock, SetClock)
    polls.clock.move(**by)


async def test_mail_is_read_that_comes_after_the_first_poll(polls: Polls, graph: GraphFolders) -> None:
    graph.add_mail(mail("old"), LONG_AGO)
    await polls.run()
    graph.add_mail(mail("one"), AFTER, categories=["Red", "Track"])
    await save(polls, categories=[{"name": "track"}])

    await polls.run()
    await polls.run()

    assert polls.sink.kept == [("acme", "one", Origin("m1", "INBOX", "track", "rep1"))]
    assert polls.sink.raw == [mail("one")]
    assert graph.forms[0] == {
        "client_id": ["heed"],
        "client_secret": ["hunter2"],
        "grant_type": ["client_credentials"],
        "scope": ["https://graph.microsoft.com/.default"],
    }
    assert await polls.error() is None


async def test_of_a_full_mailbox_no_old_mail_is_read_and_none_that_comes_meanwhile_is_missed(
    polls: Polls, graph: GraphFolders
) -> None:
    for number in range(1000):
        graph.add_mail(mail(f"old {number}"), LONG_AGO)
    graph.add_mail(mail("meanwhile"), AFTER)

    await polls.run()

    assert polls.sink.subjects == ["meanwhile"]
    assert graph.asked["mail"] == 1


async def test_a_full_mailbox_takes_several_polls_and_no_mail_of_the_meantime_is_missed(
    polls: Polls, graph: GraphFolders
) -> None:
    for number in range(3000):
        graph.add_mail(mail(f"old {number}"), LONG_AGO)
    await polls.run()
    graph.add_mail(mail("one"), AFTER)

    for _ in range(3):
        await polls.run()

    assert polls.sink.subjects == ["one"]
    assert await polls.error() is None


async def test_an_old_mail_that_is_moved_into_a_folder_is_new_there(polls: Polls, graph: GraphFolders) -> None:
    graph.folders = [("f1", "Rep's deals", "inbox")]
    graph.created["f1"] = []
    folder = {"path": "Inbox/Rep's deals", "regarding": {"type": "opportunity", "id": "o1"}}
    await save(polls, folders=[folder])
    await polls.run()
    graph.add_mail(mail("moved"), LONG_AGO, folder="f1")

    await polls.run()

    assert [(subject, origin.folder) for _, subject, origin in polls.sink.kept] == [("moved", "Inbox/Rep's deals")]


async def test_a_poll_that_finds_nothing_costs_a_request_a_folder_and_no_write(
    polls: Polls, graph: GraphFolders
) -> None:
    await polls.run()
    graph.asked.clear()
    polls.writes.clear()

    for _ in range(3):
        await polls.run()

    assert dict(graph.asked) == {"delta": 3}
    assert not polls.writes


async def test_at_most_200_mails_are_read_at_a_poll_and_the_others_later(polls: Polls, graph: GraphFolders) -> None:
    await polls.run()
    for number in range(450):
        graph.add_mail(mail(f"mail {number}"), AFTER)

    seen = []
    for _ in range(3):
        await polls.run()
        seen.append(len(polls.sink.kept))

    assert seen == [200, 400, 450]
    assert len(set(polls.sink.subjects)) == 450


async def test_a_link_that_has_expired_brings_what_came_since_the_last_note(polls: Polls, graph: GraphFolders) -> None:
    graph.add_mail(mail("long ago"), LONG_AGO)
    await polls.run()
    graph.add_mail(mail("one"), AFTER)
    graph.valid_from += 1

    await polls.run()
    graph.add_mail(mail("two"), AFTER)
    await polls.run()

    assert polls.sink.subjects == ["one", "two"]
    assert await polls.error() is None


async def test_two_pollers_at_once_read_every_mail_once(polls: Polls, graph: GraphFolders) -> None:
    await polls.run()
    other = await Polls(
        clock=polls.clock, sink=polls.sink, storage=polls.storage, secrets=polls.secrets, graph_url=polls.graph_url
    ).start()
    polls.sink.seconds = 0.01
    for number in range(10):
        graph.add_mail(mail(f"mail {number}"), AFTER)

    for _ in range(3):
        await asyncio.gather(polls.run(), other.run())

    assert polls.sink.subjects == [f"mail {number}" for number in range(10)]


async def test_a_line_that_goes_dead_within_a_page_loses_none_and_doubles_none(
    polls: Polls, graph: GraphFolders
) -> None:
    await polls.run()
    for number in range(5):
        graph.add_mail(mail(f"mail {number}"), AFTER)

    # The client tries again by itself where a line was used before: the second loss is the one that it tells.
    graph.faults["mail"] += [None, None, None, Cut(done=False), Cut(done=False)]
    await polls.run()
    there, error = len(polls.sink.kept), await polls.error()
    later(polls, minutes=2)
    await polls.run()

    assert there == 3
    assert error is not None
    assert error.startswith("Microsoft Graph cannot be asked")
    assert polls.sink.subjects == [f"mail {number}" for number in range(5)]


async def test_throttling_is_obeyed(polls: Polls, graph: GraphFolders) -> None:
    await polls.run()
    graph.add_mail(mail("one"), AFTER)
    graph.faults["delta"].append(Answer(429, "ApplicationThrottled", "Slow down.", {"Retry-After": "600"}))
    await polls.run()
    error, asked = await polls.error(), graph.asked["delta"]

    later(polls, minutes=9)
    await polls.run()
    assert graph.asked["delta"] == asked
    later(polls, minutes=2)
    await polls.run()

    assert error == "Microsoft Graph asks Heed to wait."
    assert (polls.sink.subjects, await polls.error()) == (["one"], None)


async def test_a_token_that_was_revoked_is_renewed_at_once(polls: Polls, graph: GraphFolders) -> None:
    await polls.run()
    graph.add_mail(mail("one"), AFTER)
    graph.revoked.add("app-1")

    await polls.run()

    assert polls.sink.subjects == ["one"]
    assert set(graph.bearers) == {"app-1", "app-2"}


async def test_a_token_is_used_until_its_end(polls: Polls, graph: GraphFolders) -> None:
    for _ in range(3):
        await polls.run()
    later(polls, hours=2)
    await polls.run()

    assert graph.asked["token"] == 2


@pytest.mark.parametrize(
    ("kind", "answer", "error"),
    [
        ("delta", Answer(403, "ErrorAccessDenied", "No."), "Graph refuses access to the mailbox (ErrorAccessDenied)."),
        ("delta", Answer(500, "InternalServerError", "hunter2"), "Graph answers with an error (InternalServerError)."),
        ("delta", Answer(404, "ErrorItemNotFound", "No."), "The folder INBOX is not there."),
        ("token", Answer(400, "invalid_client", "hunter2"), "The authorization server gives no token (status 400)."),
    ],
)  # fmt: skip
async def test_what_went_wrong_is_told_in_words(
    polls: Polls, graph: GraphFolders, kind: str, answer: Answer, error: str
) -> None:
    graph.faults[kind].append(answer)

    await polls.run()

    assert ((await polls.error()) or "").removeprefix("Microsoft ") == error


async def test_a_folder_that_is_not_there_is_told_and_the_others_are_read(polls: Polls, graph: GraphFolders) -> None:
    await save(polls, folders=[{"path": "Gone/Deeper"}, {"path": "Inbox"}])
    await polls.run()
    graph.add_mail(mail("one"), AFTER)

    await polls.run()

    assert polls.sink.subjects == ["one"]
    assert await polls.error() == "The folder Gone/Deeper is not there."


async def test_a_mail_over_25_mb_is_refused_with_its_headers(polls: Polls, graph: GraphFolders) -> None:
    await polls.run()
    graph.add_mail(mail("huge", size=26 * 1024 * 1024), AFTER)
    graph.add_mail(mail("small"), AFTER)

    await polls.run()

    [(headers, _, reason)] = polls.sink.refused
    assert b"Subject: huge" in headers
    assert b"0123456789" not in headers
    assert reason == "The mail is larger than 25 MB."
    assert polls.sink.subjects == ["small"]


async def test_a_mail_that_is_gone_and_a_draft_are_passed_over(polls: Polls, graph: GraphFolders) -> None:
    await polls.run()
    gone = graph.add_mail(mail("gone"), AFTER)
    graph.add_mail(mail("unfinished"), AFTER, isDraft=True)
    graph.add_mail(mail("one"), AFTER)
    del graph.mails[gone]

    await polls.run()

    assert polls.sink.subjects == ["one"]


async def test_a_link_to_another_host_gets_no_token(polls: Polls, graph: GraphFolders) -> None:
    graph.link_host = "http://elsewhere.example"

    await polls.run()

    assert await polls.error() == "Microsoft Graph answers with a link to another host."


async def test_the_apps_identity_reads_mailboxes_of_the_domains_that_the_operator_has_listed(
    polls: Polls, graph: GraphFolders
) -> None:
    polls.secrets[SECRET] = "identity: acme.example, acme.test"
    await polls.run()
    graph.add_mail(mail("one"), AFTER)
    await polls.run()

    assert polls.sink.subjects == ["one"]
    assert set(graph.bearers) == {"token-1"}


async def test_the_apps_identity_reads_no_other_mailbox(polls: Polls, graph: GraphFolders) -> None:
    """It may be able to: the mailboxes of all organizations may lie in one tenant."""
    polls.secrets[SECRET] = "identity:other.example"

    await polls.run()

    assert await polls.error() == "The mailbox's secret does not list the domain of its address."
    assert not graph.bearers


async def test_the_identitys_revoked_token_is_renewed(polls: Polls, graph: GraphFolders) -> None:
    polls.secrets[SECRET] = "identity:acme.example"
    await polls.run()
    graph.revoked.add("token-1")
    graph.add_mail(mail("one"), AFTER)

    await polls.run()

    assert polls.sink.subjects == ["one"]


async def test_an_old_mail_that_gets_a_category_is_read_once(polls: Polls, graph: GraphFolders) -> None:
    await save(polls, categories=[{"name": "Track"}])
    old = graph.add_mail(mail("old"), LONG_AGO)
    other = graph.add_mail(mail("other"), LONG_AGO)
    await polls.run()
    graph.mails[old][0]["categories"] = ["Blue", "track"]
    graph.updated["inbox"] = [old, other]
    await polls.run()
    new = graph.add_mail(mail("new"), AFTER, categories=["Track"])
    await polls.run()

    graph.updated["inbox"] += [old, new]
    await polls.run()

    assert [(subject, origin.category) for _, subject, origin in polls.sink.kept] == [
        ("old", "Track"),
        ("new", "Track"),
    ]
