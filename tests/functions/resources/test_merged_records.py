"""Two records that are the same person: one stays, and stands for the other one everywhere."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from random import Random
from typing import Any, Literal

import pytest

from lib.storage.memory import memory_storage
from tests.support.engaging import SlowTables
from tests.support.failing import Failure, failing_storage
from tests.support.heed import Heed, Response

KEPT, LOST = {"type": "contact", "id": "kept"}, {"type": "lead", "id": "lost"}


def path_of(record: dict[str, str]) -> str:
    return f"/records/{record['type']}/{record['id']}"


async def put_both(heed: Heed, kept: dict[str, Any] | None = None, lost: dict[str, Any] | None = None) -> None:
    await heed.put(path_of(KEPT), {"name": "Ada", "emails": ["ada@example.com"], **(kept or {})})
    await heed.put(path_of(LOST), {"name": "A. L.", "emails": ["lovelace@example.com"], **(lost or {})})


async def merge(heed: Heed, record: dict[str, str] = LOST, into: dict[str, str] = KEPT, **headers: str) -> Response:
    return await heed.api("POST", f"{path_of(record)}/merge", {"into": into}, **headers)


async def test_the_one_that_stays_has_both_addresses_and_stands_for_the_other(heed: Heed) -> None:
    await put_both(heed, lost={"emails": ["lovelace@example.com", "ADA@example.com"], "phone": "1"})

    answer = await merge(heed)

    assert answer.status == 200, answer.body
    read = answer.json
    assert (read["id"], read["name"], read["phone"], read["merged"]) == ("kept", "Ada", "", [LOST])
    assert read["emails"] == ["ada@example.com", "lovelace@example.com"]
    assert (await heed.get(path_of(LOST)))["id"] == "kept"
    assert (await heed.get(path_of(LOST)))["etag"] == read["etag"] == (await heed.get(path_of(KEPT)))["etag"]
    assert (await heed.get("/records?type=lead"))["items"] == []
    found = (await heed.get("/records?email=lovelace@example.com"))["items"]
    assert [each["id"] for each in found] == ["kept"]


@pytest.mark.parametrize(
    ("kept", "lost", "merged"),
    [
        ("allow", "do_not_allow", "do_not_allow"),
        ("do_not_allow", "allow", "do_not_allow"),
        ("unknown", "do_not_allow", "do_not_allow"),
        ("unknown", "allow", "allow"),
        ("unknown", "unknown", "unknown"),
    ],
)
async def test_the_strictest_of_both_preferences_counts_for_all_addresses(
    heed: Heed, kept: str, lost: str, merged: str
) -> None:
    await put_both(heed, {"follow_email": kept}, {"follow_email": lost})
    drafts = [await heed.draft(to=[{"email": "x@example.com", "record": each}]) for each in (KEPT, LOST)]
    drafts += [await heed.draft(to=[{"email": each}]) for each in ("ada@example.com", "lovelace@example.com")]

    assert (await merge(heed)).json["follow_email"] == merged
    await heed.work()

    states = {each["follow_state"]["state"] for each in (await heed.get("/messages"))["items"]}
    assert states == {"blocked" if merged == "do_not_allow" else "on"}
    for draft in drafts:
        [recipient] = (await heed.get(f"/messages/{draft}/recipients"))["items"]
        assert (recipient["preference"], recipient["record"]) == (merged, KEPT)


async def test_a_no_stops_mail_that_the_other_address_has_got_already(heed: Heed) -> None:
    await put_both(heed, {"follow_email": "do_not_allow"})
    await heed.sent(to=[{"email": "lovelace@example.com"}])
    hashed = await heed.services.address_hashes.hash_address("acme", "lovelace@example.com")

    await merge(heed)

    stops = await heed.services.stops.load_stops("acme")
    assert stops.stopped.time_of(hashed[:16]) is not None


async def test_engagement_lists_and_activities_are_those_of_both_each_message_once(heed: Heed) -> None:
    await put_both(heed)
    old = await heed.sent(to=[{"email": "lovelace@example.com", "record": LOST}], regarding=KEPT)
    await heed.sent(to=[{"email": "ada@example.com", "record": KEPT}])
    for pixel in (heed.urls("o", number)[0] for number in (0, 1)):
        heed.clock.move(minutes=10)
        await heed.hit(pixel)
    await heed.work()
    assert (await heed.get(path_of(LOST)))["engagement"]["opens"] == 1

    await merge(heed)
    await heed.work()
    new = await heed.sent(to=[{"email": "lovelace@example.com", "record": LOST}])
    await heed.work()

    for path in (path_of(KEPT), path_of(LOST)):
        engagement = (await heed.get(path))["engagement"]
        assert (engagement["messages"], engagement["opens"]) == (3, 2)
    for name in ("contact/kept", "lead/lost"):
        listed = [each["id"] for each in (await heed.get(f"/messages?record={name}"))["items"]]
        assert len(listed) == len(set(listed)) == 3
        assert {old, new} <= {*listed}
        assert len((await heed.get(f"/records/{name}/activities"))["items"]) == 3
    engaged = (await heed.get("/records?view=engaged-this-week"))["items"]
    assert [each["id"] for each in engaged] == ["kept"]


async def test_lists_of_merged_records_come_in_pages_without_gaps(heed: Heed) -> None:
    await put_both(heed)
    made = []
    for number in range(5):
        heed.clock.move(minutes=1)
        record = LOST if number % 2 else KEPT
        made.append(await heed.sent(to=[{"email": "x@example.com", "record": record}]))
    await merge(heed)

    for path in ("/messages?record=lead/lost&", "/records/lead/lost/activities?"):
        seen, cursor = list[str](), ""
        while True:
            page = await heed.get(f"{path}limit=2{cursor}")
            seen += [each["id"] for each in page["items"]]
            if page["next"] is None:
                break
            cursor = f"&cursor={page['next']}"
        assert seen == made[::-1]


async def test_hits_that_come_while_records_are_merged_count_once(heed: Heed) -> None:
    await put_both(heed)
    for _ in range(3):
        await heed.sent(to=[{"email": "lovelace@example.com", "record": LOST}])
    heed.clock.move(minutes=10)
    pixels = [heed.urls("o", number)[0] for number in range(3)]

    await asyncio.gather(merge(heed), *map(heed.hit, pixels))
    await heed.work()

    engagement = (await heed.get(path_of(KEPT)))["engagement"]
    assert (engagement["messages"], engagement["opens"]) == (3, 3)


async def test_merging_again_changes_nothing_and_into_another_one_is_refused(heed: Heed) -> None:
    await put_both(heed)
    other = {"type": "contact", "id": "other"}
    await heed.put(path_of(other), {})
    first = await merge(heed)

    again = await merge(heed)

    assert (again.status, again.json["etag"]) == (200, first.json["etag"])
    refused = await merge(heed, into=other)
    assert (refused.status, "contact/kept" in refused.json["detail"]) == (409, True)


async def test_records_are_merged_in_no_circle(heed: Heed) -> None:
    await put_both(heed)
    assert (await merge(heed, KEPT, KEPT)).json["errors"][0]["loc"] == ["into"]
    await merge(heed)

    assert (await merge(heed, KEPT, LOST)).status == 422
    assert (await heed.get(path_of(LOST)))["id"] == "kept"


async def test_two_merges_of_each_other_at_the_same_time_leave_one_record() -> None:
    memory = memory_storage()
    heed = await Heed(storage=replace(memory, tables=SlowTables(memory.tables))).start()
    await put_both(heed)

    answers = await asyncio.gather(merge(heed), merge(heed, KEPT, LOST))

    assert sorted(answer.status for answer in answers) in ([200, 412], [200, 422])
    one, other = await heed.get(path_of(KEPT)), await heed.get(path_of(LOST))
    assert one == other
    assert len(one["emails"]) == 2


class UnevenTables(SlowTables):
    """Storage whose answers take longer or shorter, so that writers meet at every place."""

    chance = Random(0)

    async def _others_first(self) -> None:
        for _ in range(self.chance.randrange(6)):
            await asyncio.sleep(0)


class NoPauses(Random):
    """Pauses between tries that take no time, so that a seed always has the same order of writes."""

    def uniform(self, a: float, b: float) -> float:
        return 0


@pytest.mark.parametrize("seed", [106, 111, 115, 122, 129, 135, 143, 148])
@pytest.mark.parametrize("number", [3, 4, 5, 6])
async def test_merges_in_a_ring_at_the_same_time_leave_one_record_with_every_address(
    number: int, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = Random(seed)
    monkeypatch.setattr(UnevenTables, "chance", chance)
    monkeypatch.setattr("lib.storage.retry._chance", NoPauses())
    memory = memory_storage()
    heed = await Heed(storage=replace(memory, tables=UnevenTables(memory.tables))).start()
    ring = [{"type": "contact", "id": f"c{each}"} for each in range(number)]
    for each in ring:
        await heed.put(path_of(each), {"emails": [f"{each['id']}@example.com"]})
    pairs = [*zip(ring, [*ring[1:], ring[0]], strict=True)]

    answers = await asyncio.gather(*(merge(heed, *pair) for pair in pairs))
    for pair, answer in zip(pairs, answers, strict=True):
        if answer.status == 409:  # those who met another one ask again
            await merge(heed, *pair)

    standing = [await heed.get(path_of(each)) for each in ring]
    assert all(each == standing[0] for each in standing)
    assert sorted(standing[0]["emails"]) == [f"c{each}@example.com" for each in range(number)]
    assert [each["id"] for each in (await heed.get("/records?type=contact"))["items"]] == [standing[0]["id"]]


@pytest.mark.parametrize("follow", ["allow", "do_not_allow"])
async def test_a_merge_while_mail_to_either_goes_out_counts_it_once_and_follows_no_later_mail_against_a_no(
    follow: str,
) -> None:
    memory = memory_storage()
    heed = await Heed(storage=replace(memory, tables=SlowTables(memory.tables))).start()
    await put_both(heed, kept={"follow_email": follow})
    messages = [await heed.draft(to=[{"email": email}]) for email in ("ada@example.com", "lovelace@example.com")]

    for message in messages:
        await heed.post(f"/messages/{message}/send")
    await asyncio.gather(heed.work(), merge(heed))
    await heed.work()

    assert len(heed.services.transport.sent) == 2  # type: ignore[union-attr]
    assert {(await heed.get(f"/messages/{each}"))["status"] for each in messages} == {"sent"}
    assert (await heed.get(path_of(KEPT)))["engagement"]["messages"] == 2
    listed = (await heed.get("/messages?record=contact/kept"))["items"]
    assert sorted(each["id"] for each in listed) == sorted(messages)
    for each in listed:
        assert each["follow_state"] == (await heed.get(f"/messages/{each['id']}"))["follow_state"]
    later = await heed.sent(to=[{"email": "lovelace@example.com"}])
    state = (await heed.get(f"/messages/{later}"))["follow_state"]["state"]
    assert state == ("on" if follow == "allow" else "blocked")


async def test_one_that_stood_for_others_takes_them_along(heed: Heed) -> None:
    await put_both(heed)
    third = {"type": "account", "id": "third"}
    await heed.put(path_of(third), {"name": "Third"})
    message = await heed.sent(to=[{"email": "lovelace@example.com", "record": LOST}])
    await merge(heed)

    assert (await merge(heed, KEPT, third)).json["merged"] == [KEPT, LOST]
    await heed.work()

    read = await heed.get(path_of(LOST))
    assert (read["id"], read["engagement"]["messages"], len(read["emails"])) == ("third", 1, 2)
    assert [each["id"] for each in (await heed.get("/messages?record=account/third"))["items"]] == [message]
    assert (await merge(heed, LOST, KEPT)).status == 200  # which is so already


async def test_families_hold(heed: Heed) -> None:
    grand, child = {"type": "account", "id": "grand"}, {"type": "contact", "id": "child"}
    await heed.put(path_of(grand), {})
    await put_both(heed, {"parent": LOST}, {"parent": grand})
    await heed.put(path_of(child), {"parent": LOST})
    await heed.sent(to=[{"email": "x@example.com", "record": child}])

    assert (await merge(heed)).json["parent"] == grand
    await heed.work()

    assert (await heed.get(path_of(KEPT)))["engagement"]["messages"] == 1
    assert (await heed.get(path_of(grand)))["engagement"]["messages"] == 1
    assert (await merge(heed, grand, child)).status == 409  # the child stands below it


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_a_merged_record_is_not_changed_under_its_old_id(heed: Heed, method: str) -> None:
    await put_both(heed)
    await merge(heed)

    answer = await heed.api(method, path_of(LOST), {"name": "Back"})

    assert (answer.status, "contact/kept" in answer.json["detail"]) == (409, True)
    changed = await heed.api(method, path_of(KEPT), {"name": "Ada L."})
    assert (changed.status, changed.json["merged"]) == (200, [LOST])


@pytest.mark.parametrize(
    ("record", "into", "status"),
    [
        ({"type": "lead", "id": "none"}, KEPT, 404),
        (LOST, {"type": "lead", "id": "none"}, 422),
        (LOST, {"type": "Lead", "id": "x"}, 422),
    ],
)
async def test_a_record_that_is_not_there_is_not_merged(
    heed: Heed, record: dict[str, str], into: dict[str, str], status: int
) -> None:
    await put_both(heed)

    assert (await merge(heed, record, into)).status == status
    assert (await heed.get(path_of(LOST)))["name"] == "A. L."


async def test_if_match_names_the_version_of_the_record_that_goes(heed: Heed) -> None:
    await put_both(heed)
    etag = (await heed.get(path_of(LOST)))["etag"]
    await heed.api("PATCH", path_of(LOST), {"name": "B."})

    assert (await merge(heed, if_match=etag)).status == 412
    assert (await heed.get(path_of(LOST)))["name"] == "B."


async def test_too_many_addresses_are_not_merged(heed: Heed) -> None:
    await put_both(
        heed,
        {"emails": [f"a{number}@example.com" for number in range(30)]},
        {"emails": [f"b{number}@example.com" for number in range(21)]},
    )

    assert (await merge(heed)).status == 422
    assert len((await heed.get(path_of(LOST)))["emails"]) == 21


@pytest.mark.parametrize("when", ["before", "after"])
async def test_wherever_a_merge_dies_no_no_lapses_and_the_next_one_finishes_it(
    when: Literal["before", "after"],
) -> None:
    number, failed = 0, {0}
    while number < max(failed) + 6:  # some failures do no harm, so that one without an error is not the last one
        number += 1
        memory, failure = memory_storage(), Failure()
        heed = await Heed(storage=replace(failing_storage(memory, failure), queues=memory.queues)).start()
        await put_both(heed, lost={"follow_email": "do_not_allow"})
        message = await heed.sent(to=[{"email": "x@example.com", "record": LOST}])

        failure.arm(number, when)
        if (await merge(heed)).status != 200:
            failed.add(number)
        failure.arm(0, when)

        draft = await heed.draft(to=[{"email": "lovelace@example.com"}])
        [recipient] = (await heed.get(f"/messages/{draft}/recipients"))["items"]
        assert recipient["preference"] == "do_not_allow", number
        assert (await merge(heed)).status == 200, number
        await heed.work()
        read = await heed.get(path_of(LOST))
        assert (read["id"], read["follow_email"], len(read["emails"])) == ("kept", "do_not_allow", 2), number
        assert read["engagement"]["messages"] == 1, number
        listed = (await heed.get("/messages?record=contact/kept"))["items"]
        assert [each["id"] for each in listed] == [message], number
    assert len(failed) > 8


async def preference_of(heed: Heed, email: str) -> str:
    draft = await heed.draft(to=[{"email": email}])
    [recipient] = (await heed.get(f"/messages/{draft}/recipients"))["items"]
    return str(recipient["preference"])


@pytest.mark.parametrize("kept", [{"follow_email": "allow"}, {"follow_email": "unknown"}, {}])
@pytest.mark.parametrize("is_put_before", [True, False])
async def test_a_no_of_the_merged_record_outlives_what_is_put_of_the_other_one(
    heed: Heed, kept: dict[str, str], *, is_put_before: bool
) -> None:
    fields = {"name": "Ada", "emails": ["ada@example.com", "lovelace@example.com"], **kept}
    await put_both(heed, lost={"follow_email": "do_not_allow"})
    for is_merge in (not is_put_before, is_put_before):
        await (merge(heed) if is_merge else heed.put(path_of(KEPT), fields))

    assert await preference_of(heed, "lovelace@example.com") == "do_not_allow"
    history = (await heed.get("/consents/lovelace@example.com"))["history"]
    assert [(each["follow"], each["source"]) for each in history] == [
        ("do_not_allow", "the record lead lost, which was merged")
    ]
    assert (await merge(heed)).status == 200
    assert len((await heed.get("/consents/lovelace@example.com"))["history"]) == 1


async def test_a_no_without_an_address_stays_where_what_is_put_says_nothing_of_it(heed: Heed) -> None:
    await put_both(heed, lost={"emails": [], "follow_email": "do_not_allow"})
    await merge(heed)
    await heed.put(path_of(KEPT), {"name": "Ada"})
    assert (await heed.get(path_of(KEPT)))["follow_email"] == "do_not_allow"

    await heed.put(path_of(KEPT), {"name": "Ada", "follow_email": "allow"})
    assert (await heed.get(path_of(KEPT)))["follow_email"] == "allow"


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_a_no_that_comes_under_the_old_id_counts_for_the_addresses_of_both(heed: Heed, method: str) -> None:
    await put_both(heed, kept={"follow_email": "allow"})
    etag = (await heed.get(path_of(LOST)))["etag"]
    await merge(heed)

    answer = await heed.api(
        method, path_of(LOST), {"emails": ["new@example.com"], "follow_email": "do_not_allow"}, if_match=etag
    )

    assert (answer.status, "contact/kept" in answer.json["detail"]) == (409, True)
    for email in ("ada@example.com", "lovelace@example.com", "new@example.com"):
        assert await preference_of(heed, email) == "do_not_allow", email


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_a_yes_that_comes_under_the_old_id_changes_nothing(heed: Heed, method: str) -> None:
    await put_both(heed)
    await merge(heed)

    assert (await heed.api(method, path_of(LOST), {"follow_email": "allow"})).status == 409
    assert await preference_of(heed, "lovelace@example.com") == "unknown"
