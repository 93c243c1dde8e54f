"""The pane beside a mail: what it says of one that is written, sent or came in, and what its buttons do."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.console.site import AXE
from tests.console.world import World, make_world
from tests.outlook.stage import ADA, BOB, HTML, NARROW, REP, Outlook, Stage, arrived, staged, written
from tests.support.heed import Heed
from tests.support.inbound import raw_mail

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with staged(tmp_path_factory.mktemp("outlook")) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def world(stage: Stage) -> World:
    """An organization with mail in every state, whose user rep1 looks at it in Outlook."""
    made = await make_world()
    await made.heed.put("/records/opportunity/o114", {"name": "Offer 114", "parent": {"type": "contact", "id": "ada"}})
    stage.heed = made.heed
    return made


@pytest_asyncio.fixture(loop_scope="module")
async def plain(stage: Stage) -> Heed:
    """An organization with the user rep1, and without any mail."""
    stage.heed = await Heed().start()
    return stage.heed


async def pane(stage: Stage, item: Any, **outlook: Any) -> Outlook:
    shown = await stage.open("pane", item, token=await stage.token(), **outlook)
    await shown.ready()
    return shown


async def test_a_mail_that_is_written_shows_who_allows_what_and_when_to_send(stage: Stage, world: World) -> None:
    await world.heed.put("/records/contact/ada", {"emails": ["ada@example.com"], "time_zone": "America/New_York"})
    await world.heed.put("/consents/bob@fabrikam.example", {"follow": "do_not_allow", "source": "phone"})

    shown = await pane(stage, written())
    alone = await shown.ready()
    await shown.tab.evaluate("bob => { standIn.item.cc = [bob]; standIn.handlers.olkRecipientsChanged(); }", BOB)
    await shown.tab.get_by_text("This mail cannot be followed.").wait_for()

    assert "Opens and clicks will be recorded." in alone
    assert "contact/ada" in alone
    assert "Best sent" in alone
    both = await shown.ready()
    assert "does not allow following" in both
    assert "A recipient does not allow following." in both
    assert shown.complaints == []
    await shown.tab.context.close()


async def test_choices_are_kept_in_a_draft_that_the_mail_names_by_its_id_alone(stage: Stage, world: World) -> None:
    shown = await pane(stage, written(), timezone_id="Europe/Vienna")

    await shown.tab.get_by_role("button", name="Do not follow this mail").click()
    await shown.tab.get_by_text("This mail is not followed.").wait_for()
    await shown.tab.get_by_label("Regarding").select_option("opportunity/o114")
    await shown.tab.get_by_label("At", exact=True).fill("2026-05-20T09:00")
    await shown.tab.get_by_label("Remind me").select_option("always")
    await shown.tab.get_by_role("button", name="Set the reminder").click()
    await shown.tab.get_by_text("The reminder is set.").wait_for()

    item = await shown.item()
    assert list(item["properties"]) == ["heed-message"]
    draft = await world.heed.get(f"/messages/{item['properties']['heed-message']}")
    assert (draft["status"], draft["follow"], draft["from"]) == ("draft", False, "rep1")
    assert draft["regarding"] == {"type": "opportunity", "id": "o114", "name": "Offer 114"}
    assert (draft["reminder"]["condition"], draft["reminder"]["at"]) == ("always", "2026-05-20T07:00:00.000Z")
    assert item["body"] == HTML
    await shown.tab.context.close()


async def test_choices_for_a_forward_that_has_the_ids_of_the_sent_mail_are_its_own(stage: Stage, plain: Heed) -> None:
    sent = await plain.draft(copies="one")
    await plain.post(f"/messages/{sent}/prepare")
    await plain.post(f"/messages/{sent}/sent", {"sent_at": "2026-05-04T09:31:00Z"})
    shown = await pane(stage, written(properties={"heed-message": sent, "heed-prepared": sent}))

    await shown.tab.get_by_role("button", name="Do not follow this mail").click()
    await shown.tab.get_by_text("This mail is not followed.").wait_for()

    draft = (await shown.item())["properties"]["heed-message"]
    assert draft != sent
    assert (await plain.get(f"/messages/{draft}"))["follow"] is False
    await shown.tab.context.close()


async def test_two_choices_at_once_make_one_draft(stage: Stage, world: World) -> None:
    shown = await pane(stage, written())
    before = len((await world.heed.get("/messages?view=all"))["items"])

    await shown.tab.evaluate(
        """() => {
            const select = document.getElementById("regarding");
            select.value = "opportunity/o114";
            select.dispatchEvent(new Event("change"));
            document.querySelector("button").click();
        }"""
    )
    await shown.tab.get_by_text("This mail is not followed.").wait_for()

    draft = await world.heed.get(f"/messages/{(await shown.item())['properties']['heed-message']}")
    assert (draft["follow"], draft["regarding"]["id"]) == (False, "o114")
    assert len((await world.heed.get("/messages?view=all"))["items"]) == before + 1
    await shown.tab.context.close()


async def test_a_choice_that_outlook_does_not_keep_leaves_no_draft(stage: Stage, plain: Heed) -> None:
    shown = await pane(stage, written(), failing=["customProperties.saveAsync"])

    await shown.tab.get_by_role("button", name="Do not follow this mail").click()
    await shown.tab.get_by_text("Outlook has not answered.").wait_for()

    assert (await plain.get("/messages?view=all"))["items"] == []
    await shown.tab.context.close()


async def test_names_of_records_templates_and_people_are_text(stage: Stage, world: World) -> None:
    hostile = '<img src=x onerror="globalThis.wasRun = true">'
    await world.heed.put("/records/opportunity/o3", {"name": hostile, "parent": {"type": "contact", "id": "ada"}})
    await world.heed.put("/templates/t3", {"name": hostile, "language": "en", "subject": "x", "html": "<p>x</p>"})
    shown = await pane(stage, written(to=[{**ADA, "displayName": hostile}]))
    await shown.tab.get_by_role("button", name="Find templates").click()
    await shown.tab.get_by_role("button", name="Insert").first.wait_for()

    assert (await shown.ready()).count(hostile) >= 2
    assert await shown.tab.evaluate("document.images.length") == 0
    assert await shown.tab.evaluate("globalThis.wasRun") is None
    assert shown.complaints == []
    await shown.tab.context.close()


async def insert_template(shown: Outlook, words: str) -> None:
    await shown.tab.get_by_label("Words of the name or the subject").fill(words)
    await shown.tab.get_by_role("button", name="Find templates").click()
    await shown.tab.get_by_role("button", name="Insert").click()


async def test_a_template_is_found_and_inserted_with_the_recipients_name(stage: Stage, world: World) -> None:
    html = "<p>Dear {{ recipient.first_name }}</p>"
    await world.heed.put("/templates/fair", {"name": "Fair", "language": "en", "subject": "Our fair", "html": html})
    shown = await pane(stage, written(subject="", body="<p>Rita</p>"))

    await insert_template(shown, "fair")
    await shown.tab.get_by_text("The template stands in the mail.").wait_for()

    item = await shown.item()
    assert (item["body"], item["subject"]) == ("<p>Dear Ada</p><p>Rita</p>", "Our fair")
    draft = await world.heed.get(f"/messages/{item['properties']['heed-message']}")
    assert draft["template"] == "fair"
    await shown.tab.context.close()


async def test_fields_of_a_template_that_stand_empty_are_named(stage: Stage, world: World) -> None:
    html = "<p>Dear {{ recipient.first_name }}, the drawings for {{ regarding.name }} are ready.</p>"
    await world.heed.put("/templates/gaps", {"name": "Gaps", "language": "en", "subject": "Drawings", "html": html})
    shown = await pane(stage, written(subject="", body=""))

    await insert_template(shown, "gaps")
    await shown.tab.get_by_text("with gaps: no value is known of regarding.name.").wait_for()

    await shown.tab.context.close()


async def test_what_cannot_be_followed_is_said_while_the_mail_is_written(stage: Stage, plain: Heed) -> None:
    many = [{"emailAddress": f"a{number}@example.com", "displayName": ""} for number in range(501)]
    said = {
        "signed or encrypted (S/MIME)": written(itemClass="IPM.Note.SMIME"),
        "no ordinary mail": written(itemClass="IPM.Schedule.Meeting.Request"),
        "images inside": written(composeType="reply", body='<img src="cid:1">'),
        "another mailbox than yours": written(**{"from": {"emailAddress": "team@acme.example", "displayName": "Team"}}),
        "more than 500": written(to=many),
        "too large to be followed": written(body="x" * 1_000_001),
        "Add a recipient": written(to=[]),
    }
    shown = await pane(stage, written())
    for words, item in said.items():
        await shown.tab.evaluate("standIn.select", item)
        await shown.tab.get_by_text(words).wait_for()
    assert (await plain.get("/messages?view=all"))["items"] == []
    await shown.tab.context.close()


async def test_a_sent_mail_shows_its_sentence_numbers_timeline_and_thread(stage: Stage, world: World) -> None:
    offer = await world.heed.get(f"/messages/{world.offer}")
    quiet = await world.heed.get(f"/messages/{world.quiet}")
    own = {"from": REP, "subject": "x"}

    shown = await pane(stage, arrived(**own, internetMessageId=offer["message_id"]))
    text = await shown.ready()
    await shown.tab.evaluate("standIn.select", arrived(**own, internetMessageId=quiet["message_id"]))
    await shown.tab.get_by_text("Not yet opened.").first.wait_for()

    assert "Ada Lovett answered on" in text
    assert "3 hits of machines" in text
    assert "person, 99%" in text
    assert "Re: Your offer, as discussed" in text
    link = shown.tab.get_by_role("link", name="Open in Heed")
    assert await link.get_attribute("href") == f"https://heed.test/console/messages/{world.quiet}"
    assert "One of the 2 recipients" not in await shown.ready()
    await shown.tab.context.close()


async def test_looking_at_ones_own_mail_is_no_open(stage: Stage, world: World) -> None:
    offer = await world.heed.get(f"/messages/{world.offer}")
    asked: list[str] = []
    shown = await stage.open(
        "pane", arrived(**{"from": REP, "internetMessageId": offer["message_id"]}), token=await stage.token()
    )
    shown.tab.on("request", lambda request: asked.append(request.url))
    await shown.tab.reload()
    await shown.ready()
    await world.heed.work()

    assert asked
    assert not [url for url in asked if "/o/" in url or "/c/" in url or "/i/" in url]
    assert (await world.heed.get(f"/messages/{world.offer}"))["kpis"]["raw"] == offer["kpis"]["raw"]
    await shown.tab.context.close()


async def test_a_mail_sent_from_outlook_tells_its_message_id_when_it_is_looked_at(stage: Stage, world: World) -> None:
    sending = await stage.open("launch", written(), token=await stage.token())
    await sending.send()
    ids = (await sending.left())["properties"]
    own = {"from": REP, "subject": "Our offer", "properties": ids}
    forward = {**own, "subject": "FW: Our offer", "internetMessageId": "<AM1@prod.outlook.com>"}

    shown = await pane(stage, arrived(**forward))
    assert "This mail left without Heed" in await shown.ready()  # classic Outlook gives a forward the ids of the mail
    await shown.tab.evaluate("standIn.select", arrived(**own, internetMessageId="<AM0@prod.outlook.com>"))
    await shown.tab.get_by_text("Not yet opened.").wait_for()

    assert "Not yet opened." in await shown.ready()
    sent = await world.heed.get(f"/messages/{ids['heed-message']}")
    assert (sent["status"], sent["message_id"]) == ("sent", "<AM0@prod.outlook.com>")
    for each in (shown, sending):
        await each.tab.context.close()


async def test_a_report_that_was_lost_is_made_up_for_and_a_draft_that_never_was_prepared_is_not(
    stage: Stage, world: World
) -> None:
    prepared, draft = await world.heed.draft(copies="one"), await world.heed.draft(copies="one")
    await world.heed.post(f"/messages/{prepared}/prepare")
    own = {"from": REP, "subject": "Hello", "internetMessageId": "<lost@prod.outlook.com>"}

    ids = {"heed-message": prepared, "heed-prepared": prepared}
    shown = await pane(stage, arrived(**own, properties=ids))
    other = {**own, "internetMessageId": "<other@prod.outlook.com>", "properties": {"heed-message": draft}}
    await shown.tab.evaluate("standIn.select", arrived(**other))
    await shown.tab.get_by_text("left before Heed had prepared it").wait_for()

    assert (await world.heed.get(f"/messages/{prepared}"))["status"] == "sent"
    assert (await world.heed.get(f"/messages/{draft}"))["status"] == "draft"
    await shown.tab.context.close()


async def test_a_received_mail_is_tracked_with_the_record_that_is_chosen(stage: Stage, world: World) -> None:
    known = (await world.heed.get(f"/messages/{world.quiet}"))["message_id"]
    mail = raw_mail(number=7, In_Reply_To=known, subject="Re: Notes")
    await world.heed.put("/records/opportunity/o2", {"name": "Deal 2", "parent": {"type": "contact", "id": "ada"}})
    item = arrived(internetMessageId="<answer7@example.com>", mime=base64.b64encode(mail).decode())

    shown = await pane(stage, item)
    before = await shown.ready()
    await shown.tab.get_by_label("Regarding").select_option("opportunity/o2")
    await shown.tab.get_by_role("button", name="Track").click()
    await shown.tab.get_by_text("Heed has this mail.").wait_for()
    after = await shown.ready()

    assert "Heed does not have this mail." in before
    assert "by In-Reply-To" in after
    assert "Deal 2" in after
    assert "Method (as in Dynamics)" in after
    [found] = (await world.heed.get("/messages?record=opportunity/o2&view=received"))["items"]
    assert (found["tracked_by"][0], found["correlation"]["method"]) == ("hand", 3)
    await shown.tab.context.close()


async def test_a_mail_of_ones_own_that_left_without_heed_is_tracked_not_followed(stage: Stage, world: World) -> None:
    mail = raw_mail(number=8, sender="rep@acme.example", to="bob@fabrikam.example", subject="By another program")
    item = {"internetMessageId": "<answer8@example.com>", "mime": base64.b64encode(mail).decode()}

    shown = await pane(stage, arrived(**{"from": REP, **item}))
    before = await shown.ready()
    await shown.tab.get_by_role("button", name="Track").click()
    await shown.tab.get_by_text("Sent, and not followed.").wait_for()

    assert "This mail left without Heed" in before
    [found] = (await world.heed.get("/messages?message_id=<answer8@example.com>"))["items"]
    assert (found["status"], found["from"], found["tracked_by"][0]) == ("sent", "rep1", "hand")
    await shown.tab.context.close()


async def test_an_outlook_that_hands_over_no_mail_says_where_to_track_it(stage: Stage, plain: Heed) -> None:
    shown = await pane(stage, arrived(internetMessageId="<other@example.com>"), withoutFile=True)

    assert "Upload it in Heed’s console" in await shown.ready()
    await shown.tab.context.close()


@pytest.mark.parametrize(
    ("display", "said"),
    [
        ("de-AT", "Öffnungen und Klicks werden erfasst."),
        ("fr-FR", "Les ouvertures et les clics seront enregistrés."),
        ("es-MX", "Se registrarán las aperturas y los clics."),
        ("it-IT", "Aperture e clic verranno registrati."),
        ("ja-JP", "Opens and clicks will be recorded."),
    ],
)
async def test_the_pane_speaks_the_language_of_outlook(stage: Stage, plain: Heed, display: str, said: str) -> None:
    shown = await pane(stage, written(), language=display)

    assert said in await shown.ready()
    await shown.tab.context.close()


async def test_a_heed_that_cannot_be_reached_is_said_and_asked_again(stage: Stage, plain: Heed) -> None:
    shown = await pane(stage, written())
    await shown.tab.context.set_offline(True)
    await shown.tab.get_by_role("button", name="Do not follow this mail").click()
    await shown.tab.get_by_text("Heed cannot be reached.").wait_for()

    await shown.tab.context.set_offline(False)
    await shown.tab.get_by_role("button", name="Try again").click()

    await shown.tab.get_by_text("Opens and clicks will be recorded.").wait_for()
    await shown.tab.context.close()


async def test_axe_finds_nothing_and_nothing_scrolls_sideways_at_320_pixels(stage: Stage, world: World) -> None:
    if not AXE.exists():
        pytest.skip("there is no axe-core on this machine: npm ci")
    offer = await world.heed.get(f"/messages/{world.offer}")
    received = (await world.heed.get("/messages?view=received"))["items"]
    items = {
        "written": written(cc=[BOB]),
        "sealed": written(itemClass="IPM.Note.SMIME"),
        "sent": arrived(**{"from": REP, "internetMessageId": offer["message_id"]}),
        "received": arrived(internetMessageId=received[-1]["message_id"]),
        "untracked": arrived(internetMessageId="<other@example.com>"),
    }
    shown = await pane(stage, written(), language="de-DE", width=NARROW)
    found: dict[str, list[str]] = {}
    for name, item in items.items():
        await shown.tab.evaluate("standIn.select", item)
        await shown.ready()
        if name == "written":
            await shown.tab.get_by_role("button", name="Vorlagen suchen").click()
            await shown.tab.get_by_role("button", name="Einfügen").first.wait_for()
        found[name] = await faults(shown.tab)

    assert found == {name: [] for name in items}
    await shown.tab.context.close()


async def faults(tab: Any) -> list[str]:
    """What axe finds, light and dark; and whether the page scrolls sideways."""
    if not await tab.evaluate("'axe' in window"):
        await tab.evaluate(AXE.read_text(encoding="utf-8"))
    await tab.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    found = []
    if await tab.evaluate("document.documentElement.scrollWidth > innerWidth"):
        found.append("it scrolls sideways")
    for scheme in ("light", "dark"):
        await tab.emulate_media(color_scheme=scheme)
        violations = await tab.evaluate("axe.run(document).then(done => done.violations)")
        found += [f"{scheme}: {each['id']}: {each['nodes'][0]['html'][:200]}" for each in violations]
    return found


async def test_the_pane_is_worked_by_the_keyboard_alone(stage: Stage, plain: Heed) -> None:
    shown = await pane(stage, written())

    await shown.tab.keyboard.press("Tab")
    assert await shown.tab.evaluate("document.activeElement.textContent") == "Do not follow this mail"
    await shown.tab.keyboard.press("Enter")
    await shown.tab.get_by_role("button", name="Follow this mail", exact=True).wait_for()

    assert await shown.tab.evaluate("document.getElementById('content').contains(document.activeElement)")
    await shown.tab.context.close()


async def test_a_person_whose_address_in_heed_is_another_is_told_so_and_the_mail_leaves_as_it_is(
    stage: Stage, plain: Heed
) -> None:
    """An assistant at another's Outlook, or a second account: the mail is not the assistant's."""
    await plain.put("/users/rep2", {"email": "assistant@acme.example", "name": "Ann", "opt_in": True})
    token = await stage.token("rep2")
    shown = await stage.open("pane", written(), token=token)
    said = await shown.ready()
    sending = await stage.open("launch", written(), token=token)
    await sending.send()

    assert "a person with another address than this mailbox" in said
    assert (await sending.left())["body"] == HTML
    assert (await plain.get("/messages?view=all"))["items"] == []
    for each in (shown, sending):
        await each.tab.context.close()


async def test_a_person_who_is_no_user_of_the_organization_is_told_so(stage: Stage) -> None:
    stage.heed = await Heed().start()
    shown = await stage.open("pane", written(), token=stage.heed.key)

    assert "you are no user of this organization" in await shown.ready()
    await shown.tab.context.close()
