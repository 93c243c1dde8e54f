"""The sample that brings the feed into Dataverse: counts arrive, go back, and are written once."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import uuid4

import pytest

from infra.local.child import ROOT
from lib.verdicts.kpis import LAST_TIMES
from tests.clients.dataverse_stand_in import Dataverse
from tests.clients.opening import open_mail
from tests.clients.scripted_server import Scripted, scripted_server
from tests.end_to_end.running import Running, eventually

EXAMPLE = ROOT / "clients" / "python" / "examples" / "dataverse_sync.py"
_NUMBERS = count(1)


@pytest.fixture
def sample(heed_client: ModuleType) -> ModuleType:
    """The sample, imported."""
    spec = importlib.util.spec_from_file_location("dataverse_sync", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
async def dataverse() -> AsyncIterator[Dataverse]:
    running = await Dataverse().start()
    yield running
    await running.stop()


@dataclass(frozen=True, slots=True)
class Crm:
    """A running Heed, Dataverse, and the sample between them."""

    heed: Running
    dataverse: Dataverse
    sample: ModuleType
    package: ModuleType
    organization: str
    key: str
    cursor: Path

    async def run(self, url: str | None = None) -> None:
        """Run the sample once."""

        def work() -> None:
            retries = self.package.Retries(first_pause=0)
            there = self.sample.Dataverse(self.dataverse.url, lambda: "entra-token", retries)
            with self.package.Heed(url or self.heed.base_url, self.key, self.organization, retries=retries) as heed:
                self.sample.sync(heed, there, self.cursor)

        await asyncio.to_thread(work)

    async def request(self, method: str, path: str, body: Any = None, user: str | None = None) -> Any:
        url = f"/api/orgs/{self.organization}{path}"
        status, answer = await self.heed.request(method, url, key=self.key, json=body, user=user)
        assert status < 300, answer
        return answer

    async def opened(self, metadata: dict[str, str]) -> str:
        """A mail with this metadata that was opened; its id."""
        subject = f"Dataverse {self.organization} {next(_NUMBERS)}"
        mail = {
            "from": "rep1",
            "to": [{"email": "ada@example.com"}],
            "subject": subject,
            "html": "<p>Hi</p>",
            "metadata": metadata,
            "send": True,
        }
        message = str((await self.request("POST", "/messages", mail))["id"])
        await open_mail(self.heed, subject)

        async def counted() -> bool:
            return bool((await self.request("GET", f"/messages/{message}"))["kpis"]["opens"] == 1)

        await eventually(counted)
        return message


@pytest.fixture
async def crm(heed: Running, dataverse: Dataverse, sample: ModuleType, heed_client: ModuleType, tmp_path: Path) -> Crm:
    organization = f"dataverse{next(_NUMBERS)}"
    key = await heed.organization(organization)
    return Crm(heed, dataverse, sample, heed_client, organization, key, tmp_path / "cursor")


async def test_an_open_comes_to_dataverse_once_and_goes_when_it_was_none(crm: Crm) -> None:
    activity = str(uuid4())
    crm.dataverse.emails[activity] = {"opencount": 0, "linksclickedcount": 0, "attachmentopencount": 0}
    message = await crm.opened({"dataverse_email": activity})
    crm.dataverse.too_many = 1

    await crm.run()
    row = crm.dataverse.emails[activity]
    assert (row["opencount"], row["linksclickedcount"], row["attachmentopencount"]) == (1, 0, 0)
    assert row["lastopenedtime"]
    await crm.run()
    assert [set(change) for _, change in crm.dataverse.written] == [{"opencount", "lastopenedtime"}]

    [event] = (await crm.request("GET", f"/messages/{message}/timeline"))["items"]
    await crm.request("POST", f"/messages/{message}/timeline/{event['id']}/feedback", {"was": "machine"}, user="rep1")
    await crm.run()
    assert crm.dataverse.written[-1] == (activity, {"opencount": 0, "lastopenedtime": None})


async def test_mails_that_dataverse_does_not_have_stop_nothing(crm: Crm, caplog: pytest.LogCaptureFixture) -> None:
    activity = str(uuid4())
    await crm.opened({})
    await crm.opened({"dataverse_email": "../../accounts(1)"})
    await crm.opened({"dataverse_email": str(uuid4())})
    await crm.opened({"dataverse_email": activity})
    crm.dataverse.emails[activity] = {}

    with caplog.at_level(logging.WARNING):
        await crm.run()

    assert [row for row, _ in crm.dataverse.written] == [activity]
    assert [words for words in ("is no id of Dataverse", "Dataverse has no email") if words in caplog.text] == [
        "is no id of Dataverse",
        "Dataverse has no email",
    ]


async def test_a_run_that_breaks_off_is_put_right_by_the_next_one(crm: Crm) -> None:
    activity = str(uuid4())
    crm.dataverse.emails[activity] = {}
    await crm.opened({"dataverse_email": activity})
    crm.dataverse.too_many = 1_000
    with pytest.raises(Exception, match="429"):
        await crm.run()
    assert not crm.cursor.exists()

    crm.dataverse.too_many = 0
    await crm.run()
    assert crm.dataverse.emails[activity]["opencount"] == 1


@pytest.mark.parametrize(("status", "code"), [(410, "gone"), (400, "unknown_cursor")])
async def test_where_the_feed_has_lost_the_place_every_message_is_read_anew(crm: Crm, status: int, code: str) -> None:
    activity = str(uuid4())
    crm.dataverse.emails[activity] = {}
    await crm.opened({"dataverse_email": activity})
    page = await crm.request("GET", "/messages?view=all&limit=200")
    crm.cursor.write_text("from long ago")

    lost = Scripted(status, json.dumps({"code": code, "detail": "Begin again."}))
    feed = Scripted(200, '{"items": [], "next": "now", "more": false}')
    async with scripted_server(lost, Scripted(200, json.dumps(page)), feed) as server:
        await crm.run(server.url)

    assert crm.dataverse.emails[activity]["opencount"] == 1
    assert crm.cursor.read_text() == "now"
    assert [each.query.get("after") for each in server.asked] == ["from long ago", None, None]


@pytest.mark.parametrize("opens", [2**31 - 1, 2**31, 10**12])
def test_counts_stay_within_what_dataverse_takes(sample: ModuleType, opens: int) -> None:
    models = importlib.import_module("heed_client.generated.models")
    nothing = {"opens": 0, "clicks": 0, "attachment_views": 0}
    kpis = {**nothing, "opens": opens, "replies": 0, **dict.fromkeys(LAST_TIMES.values())}
    parts = dict.fromkeys(("raw", "machine", "uncertain", "own"), nothing)

    assert sample.columns(models.Kpis.from_dict({**kpis, **parts}))["opencount"] == 2**31 - 1
