"""Consents that were said before Heed was there, imported with their own times."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lib.storage.memory import memory_storage
from tests.support.failing import Failure, failing_storage
from tests.support.heed import ADMIN_KEY, Heed

EMAIL = "ada@example.com"


def said(follow: str, at: str, email: str = EMAIL, **more: str) -> dict[str, str]:
    return {"email": email, "follow": follow, "at": f"{at}T08:00:00.000Z", **more}


NO, YES = "do_not_allow", "allow"


async def outcomes_of(heed: Heed, *items: dict[str, str]) -> list[str]:
    return [each["outcome"] for each in (await heed.post("/consents/batch", {"items": items}))["items"]]


async def read_history(heed: Heed, email: str = EMAIL) -> tuple[str, list[tuple[str, str]]]:
    read = await heed.get(f"/consents/{email}")
    return read["follow"], [(each["follow"], each["at"][:10]) for each in read["history"]]


async def is_stopped(heed: Heed, email: str = EMAIL) -> bool:
    return await heed.services.stops.is_address_stopped("acme", email)


async def test_a_full_batch_with_the_longest_texts_is_taken(heed: Heed) -> None:
    texts = dict.fromkeys(("source", "basis", "notice"), "t" * 998)
    items = [said(YES, "2024-03-01", f"a{number}@example.com", **texts) for number in range(200)]

    assert set(await outcomes_of(heed, *items)) == {"entered"}


async def test_entries_stand_at_their_own_times_whatever_their_order(heed: Heed) -> None:
    assert await outcomes_of(heed, said(NO, "2024-03-01"), said(YES, "2022-01-01")) == ["entered", "entered"]
    assert await outcomes_of(heed, said(YES, "2023-01-01", source="fair", basis="consent")) == ["entered"]

    assert await read_history(heed) == (NO, [(NO, "2024-03-01"), (YES, "2023-01-01"), (YES, "2022-01-01")])
    entry = (await heed.get(f"/consents/{EMAIL}"))["history"][1]
    assert (entry["source"], entry["basis"], entry["entered_at"]) == ("fair", "consent", "2026-05-04T09:30:00.000Z")


async def test_a_no_of_long_ago_does_not_undo_a_later_yes(heed: Heed) -> None:
    await heed.put(f"/consents/{EMAIL}", {"follow": YES})

    await outcomes_of(heed, said(NO, "2024-03-01"))

    assert await read_history(heed) == (YES, [(YES, "2026-05-04"), (NO, "2024-03-01")])
    assert not await is_stopped(heed)


async def test_a_yes_of_long_ago_does_not_undo_a_later_no(heed: Heed) -> None:
    await heed.put(f"/consents/{EMAIL}", {"follow": NO})

    await outcomes_of(heed, said(YES, "2024-03-01"))

    assert (await read_history(heed))[0] == NO
    assert await is_stopped(heed)


async def test_an_imported_no_that_is_the_newest_stops_mail_that_was_sent_and_shows_in_drafts(heed: Heed) -> None:
    await heed.sent(to=[{"email": EMAIL}])
    draft = await heed.draft(to=[{"email": EMAIL}])

    await outcomes_of(heed, said(YES, "2022-01-01"), said(NO, "2024-03-01"))

    assert await is_stopped(heed)
    assert (await heed.get(f"/messages/{draft}"))["follow_state"]["state"] == "blocked"
    events = (await heed.get("/events?kind=recipient.stopped"))["items"]
    assert [(event["recipient"], event["at"][:10]) for event in events] == [(EMAIL, "2024-03-01")]


async def test_an_imported_yes_lifts_an_imported_no(heed: Heed) -> None:
    await outcomes_of(heed, said(NO, "2022-01-01"))
    assert await is_stopped(heed)

    await outcomes_of(heed, said(YES, "2023-01-01"))

    assert (await read_history(heed))[0] == YES
    assert not await is_stopped(heed)


async def test_of_a_yes_and_a_no_at_the_same_time_the_no_counts(heed: Heed) -> None:
    for number, order in enumerate(((NO, YES), (YES, NO))):
        email = f"a{number}@example.com"
        await outcomes_of(heed, *(said(follow, "2022-01-01", email) for follow in order))
        assert (await read_history(heed, email))[0] == NO
        assert await is_stopped(heed, email)


async def test_a_batch_that_is_sent_again_adds_nothing(heed: Heed) -> None:
    batch = said(NO, "2022-01-01"), said(YES, "2023-01-01"), said(YES, "2023-01-01", "Ada@Example.com")

    assert await outcomes_of(heed, *batch) == ["entered", "entered", "known"]
    assert await outcomes_of(heed, *batch) == ["known"] * 3
    assert len((await read_history(heed))[1]) == 2


async def test_a_history_that_heed_has_exported_is_known_when_it_comes_back(heed: Heed) -> None:
    await heed.put(f"/consents/{EMAIL}", {"follow": YES, "source": "form"})
    [entry] = (await heed.get(f"/consents/{EMAIL}"))["history"]

    back = {"email": EMAIL, **{name: entry[name] for name in ("follow", "source", "basis", "notice", "at")}}

    assert await outcomes_of(heed, back) == ["known"]


async def test_what_is_said_after_an_import_counts(heed: Heed) -> None:
    await outcomes_of(heed, said(NO, "2024-03-01"))
    await heed.put(f"/consents/{EMAIL}", {"follow": YES})

    assert (await read_history(heed))[0] == YES


async def test_a_yes_of_before_an_erasure_does_not_come_back(heed: Heed) -> None:
    await heed.put(f"/consents/{EMAIL}", {"follow": NO})
    assert (await heed.api("DELETE", f"/subjects/{EMAIL}")).status == 202
    await heed.work()
    heed.clock.move(hours=1)

    outcomes = await outcomes_of(heed, said(YES, "2026-05-03"), said(NO, "2024-03-01"))

    assert outcomes == ["erased", "entered"]
    assert await is_stopped(heed)
    later = {"email": EMAIL, "follow": YES, "at": "2026-05-04T10:00:00Z"}
    assert await outcomes_of(heed, later) == ["entered"]
    assert not await is_stopped(heed)


@pytest.mark.parametrize(
    ("item", "loc"),
    [
        ({"at": "2026-05-04T09:30:00.001Z"}, ["items", 1, "at"]),
        ({"at": None}, ["items", 1, "at"]),
        ({"email": "nobody"}, ["items", 1, "email"]),
        ({"follow": "unknown"}, ["items", 1, "follow"]),
        ({"colour": "red"}, ["items", 1, "colour"]),
    ],
)
async def test_where_a_field_is_wrong_nothing_is_imported(heed: Heed, item: dict[str, Any], loc: list[Any]) -> None:
    items = [said(NO, "2022-01-01"), {**said(NO, "2022-01-01"), **item}]

    answer = await heed.api("POST", "/consents/batch", {"items": items})

    assert (answer.status, answer.json["errors"][0]["loc"]) == (422, loc)
    assert await read_history(heed) == ("unknown", [])


@pytest.mark.parametrize(("number", "status"), [(0, 422), (1, 200), (200, 200), (201, 422)])
async def test_a_batch_has_up_to_200_consents(heed: Heed, number: int, status: int) -> None:
    items = [said(NO, "2022-01-01", f"a{each}@example.com") for each in range(number)]

    assert (await heed.api("POST", "/consents/batch", {"items": items})).status == status


async def test_the_audit_log_tells_of_an_import_without_addresses(heed: Heed) -> None:
    await outcomes_of(heed, said(NO, "2022-01-01"))

    log = await heed.request("GET", "/api/orgs/acme/audit", key=await heed_admin(heed))
    entry = next(each for each in log.json["items"] if each["act"] == "consents.imported")
    assert (entry["details"]["entered"], len(entry["details"]["addresses"])) == (1, 1)
    assert EMAIL not in str(entry)


async def heed_admin(heed: Heed) -> str:
    return str((await heed.request("POST", "/api/orgs/acme/keys", {"scope": "admin"}, key=ADMIN_KEY)).json["key"])


async def test_one_person_does_not_import(heed: Heed) -> None:
    token = (await heed.api("POST", "/users/rep1/tokens")).json["token"]

    answer = await heed.request("POST", "/api/orgs/acme/consents/batch", {"items": [said(NO, "2022-01-01")]}, key=token)

    assert answer.status == 403


@pytest.mark.parametrize("when", ["before", "after"])
async def test_wherever_an_import_dies_the_next_one_finishes_it(when: Any) -> None:
    number, has_failed = 0, True
    while has_failed:
        number += 1
        memory, failure = memory_storage(), Failure()
        heed = await Heed(storage=replace(failing_storage(memory, failure), queues=memory.queues)).start()
        batch = {"items": [said(YES, "2022-01-01"), said(NO, "2024-03-01")]}

        failure.arm(number, when)
        has_failed = (await heed.api("POST", "/consents/batch", batch)).status != 200
        failure.arm(0, when)

        if (await heed.get(f"/consents/{EMAIL}"))["follow"] == NO:
            assert await is_stopped(heed), number
        await heed.post("/consents/batch", batch)
        assert await read_history(heed) == (NO, [(NO, "2024-03-01"), (YES, "2022-01-01")]), number
        assert await is_stopped(heed), number
    assert number > 6
