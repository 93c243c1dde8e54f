"""Writing in the console: drafts, what is wrong with them, files, templates, answers."""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import unquote

import pytest

from tests.console.site import Visitor, sealed
from tests.console.test_pages import HOSTILE
from tests.console.world import World
from tests.support.cards import cards
from tests.support.heed import ADMIN_KEY, Response

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8cfc000000301010018dd8db0"
    "0000000049454e44ae426082"
)
MAIL = {
    "to": "Bob Nuri <bob@fabrikam.example>",
    "subject": "Your offer",
    "format": "simple",
    "format_before": "simple",
    "body": "Dear Bob,\r\nhere it is: https://shop.example/offer\r\n\r\nRita",
    "follow": "on",
}


def fields_of(page: str) -> dict[str, str]:
    """What the form of the page holds, as a browser would send it."""
    form = page.partition('class="compose"')[2].partition("</form>")[0]
    found = dict(re.findall(r'<input [^>]*?name="(\w+)"[^>]*? value="([^"]*)"', form))
    found |= dict(re.findall(r'<textarea [^>]*name="(\w+)"[^>]*>\n?(.*?)</textarea>', form, re.S))
    for name, options in re.findall(r'<select [^>]*name="(\w+)"[^>]*>(.*?)</select>', form, re.S):
        found[name] = re.findall(r'value="(\w+)" selected', options)[0]
    boxes = re.findall(r'<input type="checkbox" id="[^"]*" name="(\w+)" value="([^"]*)"( checked)?', form)
    for name, value, is_checked in boxes:
        found.pop(name, None)
        if is_checked:
            found[name] = value
    return {name: html.unescape(value) for name, value in found.items()}


def message_of(answer: Response) -> str:
    """The id of the draft to whose page the answer leads."""
    assert answer.status == 303, answer.body.decode()
    return str(re.findall(r"/console/write/([0-9a-f]{32})", answer.headers["location"])[0])


async def made(visitor: Visitor, **fields: str) -> str:
    return message_of(await visitor.post("write/new", {**MAIL, "act": "save", **fields}))


async def test_what_was_typed_becomes_a_draft(rita: Visitor) -> None:
    message = await made(
        rita, cc="ada@example.com; eve@contoso.example", regarding="opportunity/o1", regarding_name="Offer 1"
    )

    found = await rita.heed.get(f"/messages/{message}")
    assert (found["status"], found["from"], found["subject"]) == ("draft", "rep1", "Your offer")
    assert [(each["email"], each["name"]) for each in found["to"]] == [("bob@fabrikam.example", "Bob Nuri")]
    assert [each["email"] for each in found["cc"]] == ["ada@example.com", "eve@contoso.example"]
    assert found["text"] == "Dear Bob,\nhere it is: https://shop.example/offer\n\nRita"
    link = '<a href="https://shop.example/offer">https://shop.example/offer</a>'
    assert found["html"] == f"<p>Dear Bob,<br>\nhere it is: {link}</p>\n<p>Rita</p>"
    assert found["regarding"] == {"type": "opportunity", "id": "o1", "name": "Offer 1"}


async def test_the_form_of_a_draft_holds_what_was_saved(rita: Visitor) -> None:
    message = await made(rita, remind_at="2026-06-01T09:30", remind_if="not_opened", remind_title="Call")

    held = fields_of(await rita.page(f"write/{message}"))

    assert held["to"] == MAIL["to"]
    assert held["body"] == MAIL["body"].replace("\r\n", "\n")
    assert (held["format"], held["follow"]) == ("simple", "on")
    assert (held["remind_at"], held["remind_if"], held["remind_title"]) == ("2026-06-01T09:30", "not_opened", "Call")
    reminder = (await rita.heed.get(f"/messages/{message}"))["reminder"]
    assert reminder["at"] == "2026-06-01T07:30:00.000Z"  # Rita is in Vienna


async def test_saving_what_the_form_holds_changes_nothing(world: World, rita: Visitor) -> None:
    await world.heed.api(
        "PATCH",
        f"/messages/{world.draft}",
        {"to": [{"email": "bob@fabrikam.example", "name": "Bob", "record": {"type": "contact", "id": "bob"}}]},
    )
    before = await world.heed.get(f"/messages/{world.draft}")

    answer = await rita.post(
        f"write/{world.draft}", {**fields_of(await rita.page(f"write/{world.draft}")), "act": "save"}
    )

    assert message_of(answer) == world.draft
    assert await world.heed.get(f"/messages/{world.draft}") == before


async def test_a_changed_recipient_leaves_the_records_of_others(world: World, rita: Visitor) -> None:
    held = fields_of(await rita.page(f"write/{world.draft}"))

    await rita.post(f"write/{world.draft}", {**held, "to": held["to"] + "\neve@contoso.example", "act": "save"})

    to = (await world.heed.get(f"/messages/{world.draft}"))["to"]
    assert [each["email"] for each in to] == ["bob@fabrikam.example", "eve@contoso.example"]
    assert to[0]["record"] == {"type": "contact", "id": "bob"}


async def test_each_button_saves_first_and_leads_on(rita: Visitor) -> None:
    for act in ("preview", "check", "template"):
        answer = await rita.post("write/new", {**MAIL, "act": act})
        assert answer.headers["location"].endswith(f"/{act}")
        assert (await rita.heed.get(f"/messages/{message_of(answer)}"))["subject"] == "Your offer"


async def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(rita: Visitor) -> None:
    wrong = {"to": "Bob <bob@fabrikam.example>, nobody", "regarding": "o114", "remind_at": "soon"}
    for name, sentence in {
        "to": "“nobody”: not an e-mail address",
        "regarding": "such as opportunity/o114",
        "remind_at": "not a day and a time",
    }.items():
        answer = await rita.post("write/new", {**MAIL, name: wrong[name], "act": "check"})

        page = html.unescape(answer.body.decode())
        assert answer.status == 422
        assert sentence in page.partition(f'id="{name}-wrong"')[2]
        assert f'href="#{name}"' in page
        assert fields_of(answer.body.decode())["body"] == MAIL["body"].replace("\r\n", "\n")
        assert fields_of(answer.body.decode())[name] == wrong[name]


async def test_two_who_change_one_draft_see_what_differs_and_lose_nothing(world: World, rita: Visitor) -> None:
    held = fields_of(await rita.page(f"write/{world.draft}"))
    await world.heed.api("PATCH", f"/messages/{world.draft}", {"subject": "Of a colleague"})

    late = await rita.post(f"write/{world.draft}", {**held, "subject": "Of Rita", "act": "check"})

    page = late.body.decode()
    assert late.status == 412
    assert "<ins>Of Rita</ins>" in page
    assert "<del>Of a colleague</del>" in page
    assert (await world.heed.get(f"/messages/{world.draft}"))["subject"] == "Of a colleague"
    assert message_of(await rita.post(f"write/{world.draft}", {**fields_of(page), "act": "save"})) == world.draft
    assert (await world.heed.get(f"/messages/{world.draft}"))["subject"] == "Of Rita"


async def test_what_was_sent_meanwhile_is_not_changed_and_what_was_typed_is_shown(world: World, rita: Visitor) -> None:
    held = fields_of(await rita.page(f"write/{world.draft}"))
    await world.heed.post(f"/messages/{world.draft}/send")
    await world.heed.work()

    late = await rita.post(f"write/{world.draft}", {**held, "body": "Forgotten words", "act": "save"})

    assert late.status == 409
    assert "Forgotten words" in late.body.decode()
    assert (await rita.get(f"write/{world.draft}")).headers["location"] == f"/console/messages/{world.draft}"


async def test_text_and_html_are_turned_into_each_other(rita: Visitor) -> None:
    message = await made(rita)
    held = fields_of(await rita.page(f"write/{message}"))

    await rita.post(f"write/{message}", {**held, "format": "html", "act": "save"})
    as_html = fields_of(await rita.page(f"write/{message}"))
    # What reads the same as text is shown as text: nobody has to see tags who did not write them.
    assert as_html["format"] == "simple"
    await rita.post(
        f"write/{message}", {**as_html, "format": "html", "body": "<h1>Dear Bob</h1><p>Hi</p>", "act": "save"}
    )
    styled = fields_of(await rita.page(f"write/{message}"))
    assert (styled["format"], styled["body"]) == ("html", "<h1>Dear Bob</h1><p>Hi</p>")
    await rita.post(f"write/{message}", {**styled, "format": "plain", "act": "save"})

    found = await rita.heed.get(f"/messages/{message}")
    assert (found["html"], found["text"]) == (None, "Dear Bob\n\nHi")


async def test_files_are_added_followed_and_removed(rita: Visitor) -> None:
    answer = await rita.post_files(
        "write/new",
        [*MAIL.items(), ("act", "save"), ("follow_new_files", "on")],
        [("file", "Preisliste März.pdf", b"%PDF-1.4 prices"), ("file", "terms.txt", b"terms")],
    )
    message = message_of(answer)
    files = (await rita.heed.get(f"/messages/{message}/attachments"))["items"]
    assert [(each["filename"], each["followed"]) for each in files] == [
        ("Preisliste März.pdf", True),
        ("terms.txt", True),
    ]

    page = await rita.page(f"write/{message}")
    assert "Preisliste März.pdf" in page
    held = [(name, value) for name, value in fields_of(page).items() if name not in ("shown_file", "followed_file")]
    shown = [("shown_file", each["id"]) for each in files]
    await rita.post_files(f"write/{message}", [*held, *shown, ("followed_file", files[0]["id"]), ("act", "save")])
    files = (await rita.heed.get(f"/messages/{message}/attachments"))["items"]
    assert [each["followed"] for each in files] == [True, False]

    held = [(name, value) for name, value in fields_of(await rita.page(f"write/{message}")).items() if name != "file"]
    await rita.post_files(f"write/{message}", [*held, ("act", f"remove:{files[0]['id']}")])
    files = (await rita.heed.get(f"/messages/{message}/attachments"))["items"]
    assert [each["filename"] for each in files] == ["terms.txt"]


async def test_a_file_of_a_mail_that_is_not_followed_cannot_be(rita: Visitor) -> None:
    unfollowed = [(name, value) for name, value in MAIL.items() if name != "follow"]

    answer = await rita.post_files(
        "write/new", [*unfollowed, ("act", "check"), ("follow_new_files", "on")], [("file", "a.pdf", b"%PDF-1.4")]
    )

    page = html.unescape(answer.body.decode())
    assert answer.status == 409
    assert "The message is not followed, so its files cannot be" in page
    assert fields_of(page)["body"] == MAIL["body"].replace("\r\n", "\n")
    assert re.search(r'action="/console/write/[0-9a-f]{32}"', page)  # what was typed is saved already


async def test_an_empty_file_and_a_broken_picture_are_named(rita: Visitor) -> None:
    files = [("file", "full.txt", b"x"), ("file", "a.txt", b"")]
    empty = await rita.post_files("write/new", [*MAIL.items(), ("act", "save")], files)
    broken = await rita.post_files("write/new", [*MAIL.items(), ("act", "save")], [("picture", "a.png", b"no")])

    assert (empty.status, broken.status) == (422, 422)
    assert "“a.txt”: the file is empty" in empty.body.decode().partition('id="file-wrong"')[2]
    assert "“a.png”: " in broken.body.decode().partition('id="file-wrong"')[2]


async def test_a_picture_is_put_at_the_end_and_shown_in_the_preview(rita: Visitor) -> None:
    answer = await rita.post_files("write/new", [*MAIL.items(), ("act", "preview")], [("picture", "logo.png", PNG)])
    message = message_of(answer)

    body = (await rita.get(f"write/{message}/preview/body")).body.decode()

    assert re.search(r'<img src="data:image/png;base64,[^"]+" alt="">$', body.strip().removesuffix("</p>"))
    assert "cid:" in (await rita.heed.get(f"/messages/{message}"))["html"]


async def test_recipients_are_shown_with_their_preference_record_and_why(rita: Visitor) -> None:
    heed = rita.heed
    await heed.put(
        "/records/contact/bob", {"name": "Bob", "emails": ["bob@fabrikam.example"], "follow_email": "do_not_allow"}
    )
    message = await made(rita)

    page = html.unescape(await rita.page(f"write/{message}"))

    assert "not allowed" in page
    assert "Said no to following" in page
    assert "The contact “Bob” says no to following." in page
    assert "Bob (contact), found by the address" in re.sub(r"<[^>]+>", "", page)
    assert "Save and look again" in page


async def test_one_of_several_records_is_chosen_by_its_button(rita: Visitor) -> None:
    for name in ("b1", "b2"):
        await rita.heed.put(f"/records/lead/{name}", {"name": name, "emails": ["new@fabrikam.example"]})
    message = await made(rita, to="new@fabrikam.example")
    page = await rita.page(f"write/{message}")
    [choice] = re.findall(r'value="(record:lead/b2/[^"]+)"', page)

    await rita.post(f"write/{message}", {**fields_of(page), "act": html.unescape(choice)})

    assert (await rita.heed.get(f"/messages/{message}"))["to"][0]["record"] == {"type": "lead", "id": "b2"}


async def test_fields_of_a_template_that_stand_empty_are_named(rita: Visitor) -> None:
    text = "<p>Hi {{ recipient.name }}, the drawings for {{ regarding.name }} are ready, {{ recipient.company }}.</p>"
    await rita.heed.put("/templates/gaps", {"name": "Gaps", "language": "en", "subject": "Drawings", "html": text})
    message = await made(rita)
    etag = fields_of(await rita.page(f"write/{message}"))["etag"]

    done = await rita.post(f"write/{message}/template", {"template": "gaps", "etag": etag})
    [query] = re.findall(r"\?(.*)", done.headers["location"])

    page = await rita.page(f"write/{message}?{query}")
    assert "<code>regarding.name</code>, <code>recipient.company</code>: no value is known" in page
    for other in ("", "?empty=%3Cb%3E,you.won,regarding"):
        assert "Nothing stands" not in await rita.page(f"write/{message}{other}")


async def test_a_template_is_put_in_with_the_recipients_name(rita: Visitor) -> None:
    answer = await rita.post("write/new", {**MAIL, "body": "", "act": "template"})
    message = message_of(answer)
    page = await rita.page(answer.headers["location"].removeprefix("/console/"))
    assert "First contact" in page
    etag = html.unescape(re.findall(r'name="etag" value="([^"]*)"', page)[0])

    done = await rita.post(f"write/{message}/template", {"template": "first", "etag": etag})

    assert "Read it over" in await rita.page(done.headers["location"].removeprefix("/console/"))
    found = await rita.heed.get(f"/messages/{message}")
    assert (found["subject"], found["template"], found["html"]) == ("Hello, Bob", "first", "<p>Hi</p>")


async def test_an_answer_goes_to_the_writer_and_quotes_the_mail(world: World, rita: Visitor) -> None:
    received = (await world.heed.get("/messages?view=received"))["items"][0]

    message = message_of(await rita.post("write/reply", {"message": received["id"]}))

    found = await world.heed.get(f"/messages/{message}")
    assert found["in_reply_to"] == received["id"]
    assert found["to"][0]["email"] == received["from_address"]["email"]
    held = fields_of(await rita.page(f"write/{message}"))
    assert held["format"] == "simple"
    assert "> " in held["body"]


async def test_the_draft_that_a_card_offers_is_opened(world: World, rita: Visitor) -> None:
    card = next(each for each in await cards(world.heed) if "draft" in each["actions"])
    assert f'action="/console/write/card/{card["id"]}"' in await rita.page()

    message = message_of(await rita.post(f"write/card/{card['id']}"))

    assert (await world.heed.get(f"/messages/{message}"))["status"] == "draft"


async def test_a_draft_is_deleted_by_its_button(world: World, rita: Visitor) -> None:
    etag = fields_of(await rita.page(f"write/{world.draft}"))["etag"]
    await rita.post(f"write/{world.draft}/delete", {"etag": etag})

    assert (await world.heed.api("GET", f"/messages/{world.draft}")).status == 404


async def test_a_key_that_only_reads_writes_nothing(world: World) -> None:
    key = await world.heed.request("POST", "/api/orgs/acme/keys", {"scope": "read"}, key=ADMIN_KEY)
    reader = Visitor(world.heed)
    await reader.sign_in(key=key.json["key"])

    assert 'href="/console/write"' not in await reader.page("messages")
    assert (await reader.get("write")).status == 403
    assert (await reader.post("write/new", MAIL)).status == 403
    assert "/console/write" not in await reader.page(f"conversations/{world.offer}")


async def test_an_address_fills_the_form(rita: Visitor) -> None:
    to = sealed(rita.heed, "ada@example.com")
    held: dict[str, Any] = fields_of(await rita.page(f"write?to={to}&regarding=case%2F7"))

    assert (held["to"], held["regarding"]) == ("ada@example.com", "case/7")


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
async def test_nothing_typed_or_asked_makes_a_page_fail(world: World, rita: Visitor, text: str) -> None:
    typed, asked = unquote(text), (200, 303, 400, 404, 412, 422)
    for path in (f"write/{world.draft}", "write/new"):
        held = fields_of(await rita.page(path.removesuffix("/new")))
        for name in held.keys() - {"form_token"}:
            answer = await rita.post(path, {**held, name: typed, "act": "save"})
            assert answer.status in asked, (path, name, answer.body)
    for act in (f"record:{typed}", f"remove:{typed}", typed):
        assert (await rita.post(f"write/{world.draft}", {**held, "act": act})).status in asked, act
    for step in ("send", "time", "reminder", "template", "take-back", "delete"):
        fields = dict.fromkeys(("etag", "at", "advised", "template", "remind_at", "remind_if", "remind_title"), typed)
        for when in ("mine", "advised", typed):
            answer = await rita.post(f"write/{world.scheduled}/{step}", {**fields, "when": when})
            assert answer.status in (*asked, 409), (step, answer.body)
    for path in (
        f"write?to={text}&regarding={text}",
        *(f"write/{text}{step}" for step in ("", "/check", "/preview/body")),
    ):
        assert (await rita.get(path)).status in asked, path
    for query in ("q", "language", "regarding", "cursor"):
        assert (await rita.get(f"write/{world.draft}/template?{query}={text}")).status in asked, query
