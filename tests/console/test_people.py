"""People in the console: who they are, what they said and did, and what is done with what is held about them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from lib.people.records import StoredRecord
from tests.console.site import Visitor, sealed
from tests.console.world import World
from tests.support.heed import ADMIN_KEY, Heed


async def reader(heed: Heed, scope: str = "read") -> Visitor:
    """Sign in rep1 with a key of another scope."""
    made = await heed.request("POST", "/api/orgs/acme/keys", {"scope": scope}, key=ADMIN_KEY)
    visitor = Visitor(heed)
    await visitor.sign_in(key=made.json["key"])
    return visitor


def shown(page: str) -> str:
    """The text of a page, in one line."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.partition("<main")[2]))


async def test_an_empty_organization_is_told_where_people_come_from(visitor: Visitor) -> None:
    assert "Nobody here yet" in await visitor.page("people")
    assert "Nobody yet" in await visitor.page("engaged")


async def test_a_person_shows_what_they_did_said_and_are(world: World, rita: Visitor) -> None:
    page = shown(await rita.page("people/contact/ada"))

    assert "1 answer came from Ada Lovett" in page
    assert "The one mail that was followed was read." in page
    assert "Head of purchasing" in page
    assert "Your offer, as discussed" in page
    assert "has said nothing" in page
    assert re.search(r"Score \d+\.\d Opens \d", page)


async def test_the_parts_of_a_score_make_up_the_whole(world: World, rita: Visitor) -> None:
    page = shown(await rita.page("people/contact/ada"))

    [whole, *parts] = map(float, re.findall(r"\d+\.\d", page[page.index(" Score ") :])[:5])
    assert whole > 10
    assert sum(parts) == pytest.approx(whole, abs=0.3)


async def test_what_was_said_is_noted_with_its_source(world: World, rita: Visitor) -> None:
    said = {"follow": "do_not_allow", "source": "on the phone", "basis": "", "notice": "", "back": "contact/ada"}

    answer = await rita.post("people/consent", {"email": "ada@example.com", **said})

    assert answer.headers["location"] == "/console/people/contact/ada?did=consent"
    page = shown(await rita.page("people/contact/ada?did=consent"))
    assert "does not want to be followed" in page
    assert "on the phone" in page
    assert "entered by Rita Rep" in page
    assert (await world.heed.get("/consents/ada@example.com"))["follow"] == "do_not_allow"


async def test_a_consent_without_a_source_is_not_noted(world: World, rita: Visitor) -> None:
    answer = await rita.post("people/consent", {"email": "ada@example.com", "follow": "allow", "source": " "})

    assert answer.status == 422
    assert (await world.heed.get("/consents/ada@example.com"))["history"] == []


async def test_a_form_leads_back_to_pages_of_the_console_alone(rita: Visitor) -> None:
    said = {"email": "x+y@example.com", "follow": "allow", "source": "a form"}
    for back in ("https://elsewhere.example/", "//elsewhere.example", "../../api"):
        answer = await rita.post("people/consent", {**said, "back": back})
        address = sealed(rita.heed, "x+y@example.com")
        assert answer.headers["location"] == f"/console/people/address?address={address}&did=consent"


async def test_no_answer_is_chosen_for_the_person_who_notes_it(world: World, rita: Visitor) -> None:
    answers = re.findall(r'<input type="radio" name="follow"[^>]*>', await rita.page("people/contact/ada"))
    assert len(answers) == 2
    assert not any("checked" in each for each in answers)

    answer = await rita.post("people/consent", {"email": "ada@example.com", "source": "on the phone"})

    assert answer.status == 422
    assert "yes or no" in answer.body.decode()
    assert (await world.heed.get("/consents/ada@example.com"))["history"] == []


async def test_an_address_without_a_record_has_its_mails_and_consents(world: World, rita: Visitor) -> None:
    page = shown(await rita.page(f"people/address?address={sealed(rita.heed, 'eve@contoso.example')}"))

    assert "No record of your CRM has this address" in page
    assert "Renewal of your support contract" in page
    assert "one of 2 recipients" in page


async def test_a_message_leads_to_its_recipients(world: World, rita: Visitor) -> None:
    [path] = re.findall(r'href="/console/(people/address\?[^"]+)"', await rita.page(f"messages/{world.offer}"))
    page = await rita.page(path)
    assert '<a href="/console/people/contact/ada">Ada Lovett</a>' in page


async def test_records_are_found_by_type_and_by_address(world: World, rita: Visitor) -> None:
    assert "Ada Lovett" in await rita.page("people")
    assert "Ada Lovett" not in await rita.page("people?type=account")
    assert "Ada Lovett" in await rita.page(f"people?address={sealed(rita.heed, 'A.Lovett@example.com')}")
    nobodys = sealed(rita.heed, "eve@contoso.example")
    assert "No record has this address" in await rita.page(f"people?address={nobodys}")


async def test_people_are_found_by_the_beginning_of_a_name_or_an_address(world: World, rita: Visitor) -> None:
    for typed in ("lov", "a.lovett@ex", "A.Lovett@example.com"):
        answer = await rita.post("people", {"q": typed, "type": "contact"})
        page = answer.body.decode()
        assert "Ada Lovett" in page, typed
        assert "Bob Nuri" not in page
    page = (await rita.post("people", {"q": "vett", "type": "contact"})).body.decode()
    assert "No name or address begins like that" in page
    page = (await rita.post("people", {"q": "eve@contoso.example", "type": "contact"})).body.decode()
    assert "No record has this address" in page


async def test_a_search_goes_on_where_it_has_stopped(rita: Visitor) -> None:
    for number in range(820):
        record = StoredRecord(type="lead", id=f"l{number:03d}", name="Zoe Last" if number == 810 else "Somebody Else")
        await rita.heed.services.people.records.save("acme", "record|lead", record.id, record, None)

    first = (await rita.post("people", {"q": "zoe", "type": "lead"})).body.decode()
    cursor = re.search(r'name="cursor" value="([^"]+)"', first)
    assert "None of the leads that were looked through so far begins like that." in first
    assert cursor
    second = (await rita.post("people", {"q": "zoe", "type": "lead", "cursor": cursor[1]})).body.decode()

    assert "Zoe Last" in second
    assert "Look further" not in second


async def test_those_below_an_account_are_a_way_from_it(world: World, rita: Visitor) -> None:
    parent = {"parent": {"type": "account", "id": "fabrikam"}}
    await world.heed.put("/records/account/fabrikam", {"name": "Fabrikam"})
    await world.heed.put("/records/contact/bob", {"name": "Bob Nuri", "emails": ["bob@fabrikam.example"], **parent})

    page = await rita.page("people/account/fabrikam")
    assert 'href="/console/people?type=contact&amp;parent=account%2Ffabrikam"' in page
    page = await rita.page("people?type=contact&parent=account%2Ffabrikam")
    assert "Bob Nuri" in page
    assert "Ada Lovett" not in page


async def test_the_engaged_are_listed_with_their_score(world: World, rita: Visitor) -> None:
    page = shown(await rita.page("engaged"))
    assert re.search(r"Ada Lovett Head of purchasing, Lovett &amp; Daughters \d+\.\d", page)
    assert "Bob Nuri" not in page


async def test_lists_come_as_csv(world: World, rita: Visitor) -> None:
    for path in ("people?format=csv", "engaged?format=csv"):
        answer = await rita.get(path)
        assert answer.headers["content-disposition"].startswith("attachment")
        assert "Ada Lovett" in answer.body.decode()


async def test_an_export_is_fetched_once_it_is_done(world: World, rita: Visitor) -> None:
    answer = await rita.post("people/export", {"email": "ada@example.com"})
    job = answer.headers["location"].removeprefix("/console/")
    assert "waiting" in await rita.page(job)
    await world.heed.work()

    page = await rita.page(job)
    assert "Download it" in page
    result = re.findall(r'href="/console/(people/job-result[^"]*)"', page)[0]
    found = await rita.get(result)
    assert found.headers["content-disposition"] == "attachment; filename*=UTF-8''export.json"
    assert json.loads(found.body)["email"] == "ada@example.com"


async def test_an_erasure_needs_the_address_typed(world: World, rita: Visitor) -> None:
    assert "This cannot be undone" in await rita.page(f"people/erase?address={sealed(rita.heed, 'ada@example.com')}")

    refused = await rita.post("people/erase", {"email": "ada@example.com", "typed": "ade@example.com"})
    assert refused.status == 422
    assert "Nothing was erased" in refused.body.decode()
    await world.heed.work()
    assert "Ada Lovett" in await rita.page(f"messages/{world.offer}")

    done = await rita.post("people/erase", {"email": "ada@example.com", "typed": "Ada@example.com"})
    await world.heed.work()
    assert "done" in await rita.page(done.headers["location"].removeprefix("/console/"))
    assert "ada@example.com" not in await rita.page(f"messages/{world.offer}")


async def test_two_records_of_one_person_are_merged_in_two_steps(world: World, rita: Visitor) -> None:
    await world.heed.put("/records/lead/ada-old", {"name": "A. Lovett", "emails": ["ada@example.com"]})

    choice = await rita.page("people/lead/ada-old/merge")
    assert 'href="/console/people/lead/ada-old/merge?into=contact%2Fada"' in choice
    second = await rita.page("people/lead/ada-old/merge?into=contact%2Fada")
    assert "Merge A. Lovett into Ada Lovett?" in shown(second)
    etag = re.findall(r'name="etag" value="([^"]*)"', second)[0].replace("&#34;", '"')
    answer = await rita.post("people/lead/ada-old/merge", {"into": "contact/ada", "etag": etag})

    assert answer.headers["location"] == "/console/people/contact/ada?did=merge"
    assert "Stands for lead ada-old" in shown(await rita.page("people/contact/ada"))


async def test_a_record_that_was_changed_meanwhile_is_not_merged(world: World, rita: Visitor) -> None:
    await world.heed.put("/records/lead/ada-old", {"name": "A. Lovett"})
    second = await rita.page("people/lead/ada-old/merge?into=contact%2Fada")
    etag = re.findall(r'name="etag" value="([^"]*)"', second)[0].replace("&#34;", '"')
    await world.heed.put("/records/lead/ada-old", {"name": "Adam Lovett"})

    answer = await rita.post("people/lead/ada-old/merge", {"into": "contact/ada", "etag": etag})

    assert answer.status == 409
    assert (await world.heed.get("/records/lead/ada-old"))["name"] == "Adam Lovett"


async def test_a_key_that_only_reads_sees_no_buttons(world: World) -> None:
    visitor = await reader(world.heed)

    page = await visitor.page("people/contact/ada")

    for words in ("Note what they said", "Export what is held", "Erase", "Merge", "Track a mail"):
        assert words not in shown(page), words
    assert (await visitor.get(f"people/erase?address={sealed(world.heed, 'ada@example.com')}")).status == 403
    assert (await visitor.post("people/export", {"email": "ada@example.com"})).status == 403


async def test_mail_of_others_is_not_told_of_where_people_see_their_own_alone(world: World) -> None:
    await world.heed.api("PATCH", "/users/rep1", {})
    await world.heed.put("/users/rep2", {"email": "rep2@acme.example", "name": "Ron", "opt_in": True})
    await limit(world.heed)
    ron = Visitor(world.heed)
    await ron.sign_in("rep2")

    page = shown(await ron.page("people/contact/ada"))

    assert "Your offer" not in page
    assert "A mail of another user" in page
    assert "Export what is held" not in page
    assert "Your offer" not in await ron.page(f"people/address?address={sealed(world.heed, 'ada@example.com')}")


async def limit(heed: Heed) -> None:
    body: Any = {"settings": {"people_see": "own_mail"}}
    answer = await heed.request("PATCH", "/api/orgs/acme", body, key=ADMIN_KEY)
    assert answer.status == 200, answer.body


@pytest.mark.parametrize("text", ["'", "%00", "..%2F..", "<b>", "a" * 5000, "-1", "%0D%0Ax: y", "{{7*7}}"])
async def test_no_address_makes_a_page_fail(rita: Visitor, text: str) -> None:
    for path in (
        "people?type=",
        "people?address=",
        "people?parent=",
        "people?cursor=",
        "engaged?type=",
        "engaged?cursor=",
    ):
        assert (await rita.get(path + text)).status in (200, 400, 404, 422), path
    paths = [
        "people/address?address=",
        "people/erase?address=",
        "people/job?id=",
        "people/contact/",
        "people/contact/ada?cursor=",
    ]
    for path in (*paths, "people/contact/ada/merge?into=", "people/job-result?id="):
        assert (await rita.get(path + text)).status in (200, 303, 400, 404, 422), path
    for path in ("people/consent", "people/export", "people/erase", "people/contact/ada/merge"):
        assert (await rita.post(path, {"email": text, "into": text, "source": text, "typed": text})).status < 500, path
