"""Consents: a history for each address, of which the newest entry counts."""

from __future__ import annotations

import pytest

from lib.storage import Range, Row, Upsert
from lib.storage.protocols import EVERYTHING
from tests.support.heed import ADMIN_KEY, Heed

YES = {"follow": "allow", "basis": "consent", "source": "newsletter form", "notice": "v3"}
NO = {"follow": "do_not_allow", "source": "call"}


async def test_what_was_said_is_kept_and_the_newest_counts(heed: Heed) -> None:
    await heed.put("/consents/ada@example.com", YES)
    heed.clock.move(minutes=1)
    await heed.api("PUT", "/consents/ada@example.com", NO, x_heed_user="rep1")

    read = await heed.get("/consents/ada@example.com")

    assert (read["email"], read["follow"]) == ("ada@example.com", "do_not_allow")
    newest, oldest = read["history"]
    assert (newest["follow"], newest["source"], newest["by"]) == ("do_not_allow", "call", "rep1")
    said = {**YES, "at": "2026-05-04T09:30:00.000Z", "by": None, "actor": newest["actor"], "entered_at": None}
    assert oldest == said


async def test_each_entry_names_who_entered_it(heed: Heed) -> None:
    key = await heed.request("POST", "/api/orgs/acme/keys", {"scope": "full", "name": "Newsletter"}, key=ADMIN_KEY)
    await heed.request("PUT", "/api/orgs/acme/consents/ada@example.com", YES, key=key.json["key"])
    token = (await heed.api("POST", "/users/rep1/tokens")).json["token"]
    answer = await heed.request("PUT", "/api/orgs/acme/consents/ada@example.com", NO, key=token)
    assert answer.status == 200, answer.body

    person, program = (await heed.get("/consents/ada@example.com"))["history"]

    assert person["actor"] == {"kind": "user", "id": "rep1", "name": None}
    assert person["by"] == "rep1"
    assert program["actor"] == {"kind": "key", "id": key.json["id"], "name": "Newsletter"}


async def test_an_entry_of_an_earlier_release_names_nobody_and_counts(heed: Heed) -> None:
    await heed.put("/consents/ada@example.com", YES)
    async for row in heed.storage.tables.query("heedacmepeople", Range.prefix("consent|")):
        assert "actor" not in row.text("d0")  # release 0.1.0 refuses fields that it does not know
        bare = Row(row.partition, row.key, {name: value for name, value in row.values.items() if name != "actor"})
        await heed.storage.tables.write_rows("heedacmepeople", [Upsert(bare)])

    read = await heed.get("/consents/ada@example.com")

    assert (read["follow"], read["history"][0]["actor"]) == ("allow", None)


async def test_what_is_told_later_counts_though_a_clock_is_behind(heed: Heed) -> None:
    await heed.put("/consents/ada@example.com", YES)
    heed.clock.move(minutes=-10)
    await heed.put("/consents/ada@example.com", NO)

    assert (await heed.get("/consents/ada@example.com"))["follow"] == "do_not_allow"


async def test_told_twice_is_told_once_and_a_day_later_it_is_told_again(heed: Heed) -> None:
    await heed.put("/consents/ada@example.com", YES)
    await heed.put("/consents/ada@example.com", YES)
    assert len((await heed.get("/consents/ada@example.com"))["history"]) == 1

    heed.clock.move(hours=25)
    await heed.put("/consents/ada@example.com", YES)
    assert len((await heed.get("/consents/ada@example.com"))["history"]) == 2


async def test_of_an_address_that_has_said_nothing_nothing_is_known(heed: Heed) -> None:
    read = await heed.get("/consents/ada@example.com")

    assert (read["follow"], read["history"]) == ("unknown", [])


async def test_the_same_address_in_other_letters_is_the_same(heed: Heed) -> None:
    await heed.put("/consents/Ada+News@Example.com", NO)

    assert (await heed.get("/consents/ada+news@example.com"))["follow"] == "do_not_allow"


async def test_no_key_holds_the_address_or_a_hash_that_can_be_tried_out(heed: Heed) -> None:
    await heed.put("/consents/ada@example.com", NO)
    other = await heed.organization("globex")
    await heed.request("PUT", "/api/orgs/globex/consents/ada@example.com", NO, key=other)

    keys = {
        organization: [
            row.partition
            async for row in heed.storage.tables.query(f"heed{organization}people", EVERYTHING)
            if row.partition.startswith("consent|")
        ]
        for organization in ("acme", "globex")
    }
    assert len(keys["acme"]) == len(keys["globex"]) == 1
    assert keys["acme"] != keys["globex"]
    assert "ada@" not in str(keys)  # "ada" alone may well stand in hexadecimal digits
    assert "example" not in str(keys)


@pytest.mark.parametrize("email", ["not an address", "a@b@example.com", "<ada@example.com>"])
async def test_what_is_no_address_has_no_consents(heed: Heed, email: str) -> None:
    assert (await heed.api("PUT", f"/consents/{email}", NO)).status in (404, 422)


@pytest.mark.parametrize(
    "body", [{}, {"follow": "unknown"}, {"follow": "allow", "at": "2020-01-01T00:00:00Z"}, {**NO, "source": "a\nb"}]
)
async def test_a_consent_of_another_shape_is_refused(heed: Heed, body: dict[str, str]) -> None:
    assert (await heed.api("PUT", "/consents/ada@example.com", body)).status == 422


@pytest.mark.parametrize(
    ("record", "consent", "tracking", "followed", "because"),
    [
        ("unknown", None, "allow", True, "Neither"),
        ("unknown", "do_not_allow", "allow", False, "newest consent"),
        ("do_not_allow", "allow", "allow", False, "The contact c1 says no"),
        ("allow", "do_not_allow", "allow", False, "newest consent says no"),
        ("allow", "do_not_allow", "consent", False, "newest consent says no"),
        ("unknown", None, "consent", False, "Only recipients who said yes"),
        ("unknown", "allow", "consent", True, "newest consent says yes"),
        ("allow", None, "consent", True, "The contact c1 says yes"),
        ("allow", "allow", "consent", True, "The contact c1 and the address's newest consent say yes"),
    ],
)
async def test_record_and_consent_both_count(
    record: str, consent: str | None, tracking: str, followed: bool, because: str
) -> None:
    heed = await Heed().start(tracking=tracking)
    await heed.put("/records/contact/c1", {"follow_email": record})
    if consent:
        await heed.put("/consents/Ada@example.com", {"follow": consent})
    message = await heed.sent(to=[{"email": "ada@example.com", "record": {"type": "contact", "id": "c1"}}])

    [ada] = (await heed.get(f"/messages/{message}/recipients"))["items"]

    assert (ada["follow"], len(heed.urls("o"))) == (followed, int(followed))
    assert because in ada["because"]


async def test_one_organization_does_not_learn_of_another_s_consents(heed: Heed) -> None:
    await heed.put("/consents/ada@example.com", NO)
    other = await heed.organization("globex")

    answer = await heed.request("GET", "/api/orgs/globex/consents/ada@example.com", key=other)

    assert answer.json["follow"] == "unknown"


async def test_a_consent_outlives_the_keys_of_tokens(heed: Heed) -> None:
    await heed.put("/consents/ada@example.com", NO)
    rotated = heed.services.settings.token_keys
    again = Heed(storage=heed.storage, settings={"HEED_TOKEN_KEYS": f"k2:{'A' * 86}"}, key=heed.key)

    assert again.services.settings.token_keys is not rotated
    assert (await again.get("/consents/ada@example.com"))["follow"] == "do_not_allow"


@pytest.mark.parametrize(
    ("path", "email"),
    [
        ("g%2Fh@example.com", "g/h@example.com"),
        ("g%2fh%40example.com", "g/h@example.com"),
        ("g%252Fh@example.com", "g/h@example.com"),  # what clients send to get past Azure's front end
        ("g/h@example.com", "g/h@example.com"),  # what that front end makes of %2F
        ("g/h/@example.com", "g/h/@example.com"),
        ("a%2Bb@example.com", "a+b@example.com"),
        ("a+b@example.com", "a+b@example.com"),
        ("a%25b@example.com", "a%b@example.com"),
        ("a%252Bb@example.com", "a%2Bb@example.com"),  # decoded once
        ("a%2525b@example.com", "a%25b@example.com"),
        ("%61da@example.com", "ada@example.com"),
        ("o%27neil%7B%23%3F%7D@example.com", "o'neil{#?}@example.com"),
    ],
)
async def test_an_address_in_a_path_is_meant_whatever_is_encoded_of_it(heed: Heed, path: str, email: str) -> None:
    answer = await heed.api("PUT", f"/consents/{path}", NO)
    assert (answer.status, answer.json["email"]) == (200, email)
    assert (await heed.get(f"/consents/{path}"))["follow"] == "do_not_allow"

    message = await heed.draft(to=[{"email": email}])

    [recipient] = (await heed.get(f"/messages/{message}/recipients"))["items"]
    assert (recipient["preference"], recipient["follow"]) == ("do_not_allow", False)


@pytest.mark.parametrize(
    "path", ["", "/", "%2F", "ada%00@example.com", "ada%0A@example.com", "ada%5C@example.com", "%FF"]
)
async def test_what_is_no_address_in_a_path_is_not_there(heed: Heed, path: str) -> None:
    assert (await heed.api("PUT", f"/consents/{path}", NO)).status in (404, 422)


async def test_an_id_in_a_path_is_meant_whatever_is_encoded_of_it(heed: Heed) -> None:
    await heed.put("/users/%72ep%7B1%7d", {"email": "rep@acme.example"})

    assert (await heed.get("/users/rep{1}".replace("{", "%7B").replace("}", "%7D")))["id"] == "rep{1}"
    for other in ("rep1%2F", "rep1%2F..%2Frep1", "%2E%2E", "rep1%00", "rep%31%0a"):
        assert (await heed.api("GET", f"/users/{other}")).status == 404
