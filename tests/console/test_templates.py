"""Templates in the console: their rates with what is likely, their texts, and changes that lose nothing."""

from __future__ import annotations

import html
import re

from tests.console.site import Visitor
from tests.console.world import World
from tests.support.heed import ADMIN_KEY

FIRST = {"name": "First contact", "language": "en", "subject": "Hello {{ recipient.first_name }}", "html": "<p>Hi</p>"}


async def test_an_empty_list_says_what_templates_are_for(visitor: Visitor) -> None:
    page = await visitor.page("templates")
    assert "No templates yet" in page
    assert "New template" in page


async def test_rates_stand_beside_what_is_likely(world: World, rita: Visitor) -> None:
    await world.heed.put("/templates/first", {**FIRST, "name": "First contact"})
    for number in range(4):
        message = await world.heed.draft(template="first", subject=f"Hello {number}")
        await world.heed.post(f"/messages/{message}/send")
    await world.heed.work()
    world.heed.clock.move(hours=80)
    await rita.sign_in()

    page = await rita.page("templates")

    assert "First contact" in page
    assert re.search(r'aria-label="0 % of 4; the true rate is 0 to \d+ % with 95 % confidence"', page)
    assert "not known yet" in page  # nothing was sold


async def test_every_order_is_told_in_words(visitor: Visitor) -> None:
    await visitor.post("templates/save", {**FIRST, "id": "", "etag": "", "text": ""})
    orders = (await visitor.page("templates")).partition('name="sort"')[2].partition("</select>")[0]

    told = re.findall(r'<option value="([^"]+)"[^>]*>([^<]+)</option>', orders)
    assert len(told) > 1
    assert [text for value, text in told if "_" in text or text == value] == []


async def test_a_template_is_made_by_the_form(visitor: Visitor) -> None:
    answer = await visitor.post("templates/save", {**FIRST, "id": "", "etag": "", "text": ""})

    assert answer.headers["location"] == "/console/templates/first-contact"
    page = await visitor.page("templates/first-contact")
    assert "version 1 of 1" in page
    assert 'src="/console/templates/first-contact/preview"' in page
    preview = await visitor.get("templates/first-contact/preview")
    assert "Hi" in preview.body.decode()
    assert preview.headers["content-security-policy"].startswith("sandbox; default-src 'none'")


async def test_a_second_template_of_that_name_does_not_replace_the_first(visitor: Visitor) -> None:
    await visitor.post("templates/save", {**FIRST, "id": "", "etag": "", "text": ""})

    answer = await visitor.post("templates/save", {**FIRST, "subject": "Other", "id": "", "etag": "", "text": ""})

    assert answer.status == 422
    assert "There is a template first-contact already" in answer.body.decode()
    assert 'value="Other"' in answer.body.decode()


async def test_a_wrong_merge_field_is_named_and_what_was_typed_stays(visitor: Visitor) -> None:
    wrong = {**FIRST, "html": "<p>{{ recipient.shoe_size }}</p>", "id": "", "etag": "", "text": "as it was"}

    answer = await visitor.post("templates/save", wrong)

    page = html.unescape(answer.body.decode())
    assert answer.status == 422
    assert 'id="html-wrong"' in page
    assert "<p>{{ recipient.shoe_size }}</p>" in page
    assert "as it was" in page


async def test_two_who_change_one_template_do_not_undo_each_other(visitor: Visitor) -> None:
    await visitor.post("templates/save", {**FIRST, "id": "", "etag": "", "text": ""})
    form = await visitor.page("templates/first-contact/edit")
    etag = html.unescape(re.findall(r'name="etag" value="([^"]*)"', form)[0])
    changed = {**FIRST, "id": "first-contact", "etag": etag, "text": ""}
    assert (await visitor.post("templates/save", {**changed, "subject": "Of the first"})).status == 303

    late = await visitor.post("templates/save", {**changed, "subject": "Of the second"})

    assert late.status == 412
    assert 'value="Of the second"' in late.body.decode()
    assert (await visitor.heed.get("/templates/first-contact"))["subject"] == "Of the first"


async def test_deleting_asks_once_more(visitor: Visitor) -> None:
    await visitor.post("templates/save", {**FIRST, "id": "", "etag": "", "text": ""})
    page = await visitor.page("templates/first-contact/delete")
    etag = html.unescape(re.findall(r'name="etag" value="([^"]*)"', page)[0])
    assert "Delete First contact?" in page

    await visitor.post("templates/first-contact/delete", {"etag": etag})

    assert "No templates yet" in await visitor.page("templates")


async def test_a_key_that_only_reads_sees_no_way_to_change(world: World) -> None:
    await world.heed.put("/templates/first", {**FIRST, "name": "First contact"})
    made = await world.heed.request("POST", "/api/orgs/acme/keys", {"scope": "read"}, key=ADMIN_KEY)
    reader = Visitor(world.heed)
    await reader.sign_in(key=made.json["key"])

    assert "New template" not in await reader.page("templates")
    assert (await reader.get("templates/first/edit")).status == 403


async def test_the_last_of_many_templates_is_shown_as_one_that_is_there(visitor: Visitor) -> None:
    for number in range(201):
        await visitor.heed.put(f"/templates/t{number:03}", {**FIRST, "name": f"Template {number:03}"})

    page = await visitor.page("templates/t200")

    assert "This template was deleted" not in page
    assert "version 1 of 1" in page
    await visitor.heed.api("DELETE", "/templates/t200")
    assert "This template was deleted" in await visitor.page("templates/t200?version=1")


async def test_names_in_other_scripts_get_templates_of_their_own(visitor: Visitor) -> None:
    names = ("Первый контакт", "Второй контакт", "最初の連絡")
    for name in names:
        answer = await visitor.post("templates/save", {**FIRST, "name": name, "id": "", "etag": "", "text": ""})
        assert answer.status == 303, answer.body
        assert name in await visitor.page(answer.headers["location"].removeprefix("/console/"))
    page = await visitor.page("templates")
    assert all(name in page for name in names)
