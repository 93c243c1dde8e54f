"""Whatever goes wrong at a provider, alone or in pairs: the mail leaves once, doubt is shown, nothing is left."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from datetime import timedelta
from functools import partial
from random import Random
from typing import Any

import pytest

from lib.clock import SetClock
from lib.transports import Transport
from lib.transports.acs import AcsTransport
from lib.transports.acs_resource import AcsResource
from lib.transports.graph import GraphTransport
from tests.support.heed import START
from tests.support.provider_servers.acs import SUPPRESSED, AcsServer
from tests.support.provider_servers.credentials import Credential
from tests.support.provider_servers.faults import Answer, Cut, Death, Fault, Half, serving
from tests.support.provider_servers.graph import GraphServer
from tests.support.provider_servers.small_outbox import SmallOutbox
from tests.support.provider_servers.whole_heed import WholeHeed


def _throttled(done: bool) -> Answer:
    return Answer(429, "ApplicationThrottled", "Slow down", {"Retry-After": "90"}, done)


def _busy(done: bool) -> Answer:
    return Answer(503, "serviceNotAvailable", "Later", {"Retry-After": "20"}, done)


def _at(kind: str, fault: Fault, server: GraphServer | AcsServer) -> None:
    server.faults[kind].append(fault)


def _late_copy(server: GraphServer) -> None:
    server.searchable_after = timedelta(seconds=130)


def _revoked(challenges: bool, server: GraphServer | AcsServer) -> None:
    server.challenges = challenges
    server.revoked.add("token-1")


def _plain_cloud(server: GraphServer) -> None:
    server.purges = False


def _runs(time: timedelta, server: AcsServer) -> None:
    server.runs = max(server.runs, time)


GRAPH: dict[str, Callable[[GraphServer], None]] = {
    "the request for a draft is lost": partial(_at, "create", Cut(False)),
    "the answer about a draft is lost": partial(_at, "create", Cut(True)),
    "throttled before a draft is made": partial(_at, "create", _throttled(False)),
    "throttled after a draft was made": partial(_at, "create", _throttled(True)),
    "killed before a draft is made": partial(_at, "create", Death(False)),
    "killed after a draft was made": partial(_at, "create", Death(True)),
    "the request to send is lost": partial(_at, "send", Cut(False)),
    "the answer about sending is lost": partial(_at, "send", Cut(True)),
    "half of the answer about sending is lost": partial(_at, "send", Half(202)),
    "throttled before sending": partial(_at, "send", _throttled(False)),
    "throttled after sending": partial(_at, "send", _throttled(True)),
    "busy before sending": partial(_at, "send", _busy(False)),
    "busy after sending": partial(_at, "send", _busy(True)),
    "a gateway gives up before sending": partial(_at, "send", Answer(504)),
    "a gateway gives up after sending": partial(_at, "send", Answer(504, done=True)),
    "killed before sending": partial(_at, "send", Death(False)),
    "killed after sending": partial(_at, "send", Death(True)),
    "refused for good": partial(_at, "send", Answer(400, "ErrorInvalidRecipients", "Not valid: ada@example.com")),
    "the mailbox cannot be searched": partial(_at, "find", Answer(504)),
    "searching is throttled": partial(_at, "find", _throttled(False)),
    "killed while searching": partial(_at, "find", Death(False)),
    "removing fails": partial(_at, "delete", Cut(False)),
    "the answer about removing is lost": partial(_at, "delete", Cut(True)),
    "the copy is found after two minutes": _late_copy,
    "the token is revoked with a challenge": partial(_revoked, True),
    "the token is revoked without one": partial(_revoked, False),
    "nothing can be purged": _plain_cloud,
}  # fmt: skip

ACS: dict[str, Callable[[AcsServer], None]] = {
    "the request is lost": partial(_at, "send", Cut(False)),
    "the answer is lost": partial(_at, "send", Cut(True)),
    "half of the answer is lost": partial(_at, "send", Half(202)),
    "throttled before": partial(_at, "send", _throttled(False)),
    "throttled after it was taken": partial(_at, "send", _throttled(True)),
    "busy before": partial(_at, "send", _busy(False)),
    "busy after it was taken": partial(_at, "send", _busy(True)),
    "a gateway gives up before": partial(_at, "send", Answer(504)),
    "a gateway gives up after it was taken": partial(_at, "send", Answer(504, done=True)),
    "killed before": partial(_at, "send", Death(False)),
    "killed after it was taken": partial(_at, "send", Death(True)),
    "refused for good": partial(_at, "send", Answer(400, "InvalidRecipients", "Invalid format for ada@example.com")),
    "it runs for twenty minutes": partial(_runs, timedelta(minutes=20)),
    "it runs for three hours": partial(_runs, timedelta(hours=3)),
    "it fails in the end": lambda server: server.failures.append(SUPPRESSED),
    "the service cannot be asked": partial(_at, "operation", Answer(500, "InternalServerError", "Oops")),
    "asking is throttled": partial(_at, "operation", _throttled(False)),
    "killed while asking": partial(_at, "operation", Death(False)),
    "the token is revoked with a challenge": partial(_revoked, True),
    "the token is revoked without one": partial(_revoked, False),
}  # fmt: skip


Make = Callable[[], Transport]


@pytest.fixture
def clock() -> SetClock:
    return SetClock(START)


@pytest.fixture
async def graph_server(clock: SetClock) -> AsyncIterator[tuple[GraphServer, Make]]:
    server, credential = GraphServer(clock), Credential()
    async with serving(server.app) as address:
        yield server, lambda: GraphTransport(f"{address}/v1.0", clock, credential, looks=(0, 0))


@pytest.fixture
async def acs_server(clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[AcsServer, Make]]:
    monkeypatch.setattr("azure.core.pipeline.policies._authentication_async._enforce_https", lambda _: None)
    server, credential = AcsServer(clock), Credential("https://communication.azure.com//.default")
    async with serving(server.app) as address:
        yield server, lambda: AcsTransport(AcsResource(address), clock, credential, looks=(0,))


@pytest.fixture
def graph(clock: SetClock, graph_server: tuple[GraphServer, Make]) -> SmallOutbox:
    return SmallOutbox(clock, *graph_server)


@pytest.fixture
def acs(clock: SetClock, acs_server: tuple[AcsServer, Make]) -> SmallOutbox:
    return SmallOutbox(clock, *acs_server)


@pytest.fixture
def whole_graph(clock: SetClock, graph_server: tuple[GraphServer, Make]) -> WholeHeed:
    return WholeHeed(clock, *graph_server)


@pytest.fixture
def whole_acs(clock: SetClock, acs_server: tuple[AcsServer, Make]) -> WholeHeed:
    return WholeHeed(clock, *acs_server)


def _alone_and_in_pairs(faults: Mapping[str, Callable[[Any], None]]) -> list[Any]:
    """Two faults of the same requests in both orders; otherwise the order changes nothing."""
    alone = [(name,) for name in faults]
    pairs = list(itertools.combinations(faults, 2))
    turned = [(second, first) for first, second in pairs if _kind(faults[first]) == _kind(faults[second]) != ""]
    return [pytest.param(names, id=", ".join(names)) for names in [*alone, *pairs, *turned]]


def _kind(fault: Callable[[Any], None]) -> str:
    return str(fault.args[0]) if isinstance(fault, partial) and fault.func is _at else ""


@pytest.mark.parametrize("names", _alone_and_in_pairs(GRAPH))
async def test_graph(graph: SmallOutbox, names: tuple[str, ...]) -> None:
    server = graph.server
    assert isinstance(server, GraphServer)
    for name in names:
        GRAPH[name](server)

    await graph.run()

    if graph.state == "uncertain":
        # Whoever comes after it cannot tell that from a mail whose copy was deleted.
        assert {"killed before a draft is made", "killed while searching"} & set(names)
    else:
        assert graph.state == "sent" or (graph.state == "failed" and "refused for good" in names)
    assert len(server.sent) == (1 if graph.state == "sent" else 0)
    assert server.drafts == []
    assert graph.waited < timedelta(hours=2)


@pytest.mark.parametrize("names", _alone_and_in_pairs(ACS))
async def test_communication_services(acs: SmallOutbox, names: tuple[str, ...]) -> None:
    server = acs.server
    assert isinstance(server, AcsServer)
    for name in names:
        ACS[name](server)

    await acs.run()

    fails = {"refused for good", "it fails in the end"} & set(names)
    assert acs.state == "sent" or (acs.state == "failed" and fails)
    assert len(server.sent) == (1 if acs.state == "sent" else 0)
    assert len(server.operations) <= 1
    assert ("uncertain" in acs.shown) == ("it runs for three hours" in names and "refused for good" not in names)


def _alone_and_some_pairs(faults: Iterable[str]) -> list[Any]:
    """All pairs go through the transports above; here some of them, always the same."""
    alone, pairs = [(name,) for name in faults], list(itertools.permutations(list(faults), 2))
    return [pytest.param(names, id=", ".join(names)) for names in [*alone, *Random(5).sample(pairs, 40)]]


@pytest.mark.parametrize("names", _alone_and_some_pairs(GRAPH))
async def test_graph_through_all_of_heed(whole_graph: WholeHeed, names: tuple[str, ...]) -> None:
    server = whole_graph.server
    assert isinstance(server, GraphServer)
    for name in names:
        GRAPH[name](server)

    state = await whole_graph.run()

    if state == "uncertain":
        assert {"killed before a draft is made", "killed while searching"} & set(names)
    else:
        assert state == "sent" or (state == "failed" and "refused for good" in names)
    assert len(server.sent) == (1 if state == "sent" else 0)
    assert server.drafts == []


@pytest.mark.parametrize("names", _alone_and_some_pairs(ACS))
async def test_communication_services_through_all_of_heed(whole_acs: WholeHeed, names: tuple[str, ...]) -> None:
    server = whole_acs.server
    assert isinstance(server, AcsServer)
    for name in names:
        ACS[name](server)

    state = await whole_acs.run()

    fails = {"refused for good", "it fails in the end"} & set(names)
    assert state == "sent" or (state == "failed" and fails)
    assert len(server.sent) == (1 if state == "sent" else 0)
    assert ("uncertain" in whole_acs.shown) == ("it runs for three hours" in names and "refused for good" not in names)
