"""The last steps of writing in the console: preview, check, sending, its time, reminders."""

from __future__ import annotations

import html
import re

from tests.console.site import Visitor
from tests.console.test_writing import MAIL, made
from tests.console.world import World
from tests.support.cards import pass_time
from tests.support.heed import Heed

TOKYO = {"name": "Bob", "emails": ["bob@fabrikam.example"], "time_zone": "Asia/Tokyo"}


def fields_of_button(page: str, label: str) -> dict[str, str]:
    """The fields of the form whose button has this label."""
    [form] = [each for each in page.split("<form")[1:] if label in each.partition("</form>")[0]]
    return {
        name: html.unescape(value)
        for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form)
        if name != "form_token"
    }


def text_of(page: str) -> str:
    """What a reader sees of the page, without its tags."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page.partition("<main")[2])))


async def test_the_preview_shows_the_mail_in_a_frame_of_its_own(world: World, rita: Visitor) -> None:
    page = await rita.page(f"write/{world.draft}/preview")
    assert f'src="/console/write/{world.draft}/preview/body" sandbox' in page
    assert "offer <https://example.com/a?b=1&c=2>" in html.unescape(page)

    body = await rita.get(f"write/{world.draft}/preview/body")
    assert body.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert "<p>Hi" in body.body.decode()


async def test_the_check_says_what_will_be_followed_and_why(rita: Visitor) -> None:
    answer = await rita.post_files(
        "write/new",
        [*MAIL.items(), ("act", "check"), ("follow_new_files", "on")],
        [("file", "Passwords.pdf", b"%PDF-1.4")],
    )

    page = text_of(await rita.page(answer.headers["location"].removeprefix("/console/")))

    assert "Opens : an invisible picture" in page
    assert "1 link leads through Heed : clicks are counted" in page
    assert "Passwords.pdf : it is stored with Heed, and opens for all who have its link" in page
    assert "by the name this looks sensitive" in page
    assert "Has not said yes or no to following" in page


async def test_a_mail_that_lacks_something_cannot_be_sent(rita: Visitor) -> None:
    message = await made(rita, to="", body="")

    page = await rita.page(f"write/{message}/check")

    assert "It has no recipient." in page
    assert "It has no text." in page
    assert "Send now" not in page


async def test_names_with_commas_are_told_apart(rita: Visitor) -> None:
    message = await made(rita, to='"Lovelace, Ada" <ada@example.com>, "Hopper, Grace" <grace@example.com>')

    said = re.sub(r"<[^>]+>", "", await rita.page(f"write/{message}/check"))  # without blanks for tags
    assert "Lovelace, Ada; Hopper, Grace" in said


async def test_a_time_that_has_passed_is_told_in_words(rita: Visitor) -> None:
    message = await made(rita)
    button = fields_of_button(await rita.page(f"write/{message}/check"), "Send it then")

    answer = await rita.post(f"write/{message}/send", {**button, "when": "mine", "at": "2020-01-01T09:00"})

    assert answer.status == 422
    assert "the time is in the past" in answer.body.decode()
    assert "2020-01-01T0" not in answer.body.decode().partition('role="alert"')[2].partition("</div>")[0]


async def test_what_was_checked_is_sent_once(rita: Visitor) -> None:
    message = await made(rita)
    button = fields_of_button(await rita.page(f"write/{message}/check"), "Send now")

    first = await rita.post(f"write/{message}/send", button)
    second = await rita.post(f"write/{message}/send", button)  # a double click
    await rita.heed.work()

    assert first.headers["location"] == second.headers["location"] == f"/console/messages/{message}"
    assert (await rita.heed.get(f"/messages/{message}"))["status"] == "sent"
    assert b"Your offer" in rita.heed.mail()


async def test_what_has_changed_since_the_check_is_not_sent(rita: Visitor) -> None:
    message = await made(rita)
    button = fields_of_button(await rita.page(f"write/{message}/check"), "Send now")
    await rita.heed.api("PATCH", f"/messages/{message}", {"subject": "Something else"})

    answer = await rita.post(f"write/{message}/send", button)

    assert answer.status == 412
    assert "The mail has changed since you checked it" in answer.body.decode()
    assert "Something else" in answer.body.decode()
    assert (await rita.heed.get(f"/messages/{message}"))["status"] == "draft"


async def test_the_advised_time_is_explained_and_taken_by_one_button(rita: Visitor) -> None:
    await rita.heed.put("/records/contact/bob", TOKYO)
    rita.heed.clock.move(hours=12 - rita.heed.clock.now().hour)  # 21:00 in Tokyo
    message = await made(rita)
    advice = await rita.heed.get(f"/messages/{message}/delivery-advice")
    page = await rita.page(f"write/{message}/check")
    assert advice["because"] in html.unescape(page)
    assert "Asia/Tokyo" in page

    await rita.post(f"write/{message}/send", {**fields_of_button(page, 'value="advised"'), "when": "advised"})

    found = await rita.heed.get(f"/messages/{message}")
    assert (found["status"], found["deliver_at"]) == ("scheduled", advice["suggested_at"])


async def test_a_time_of_ones_own_is_on_ones_own_clock(rita: Visitor) -> None:
    message = await made(rita)
    page = await rita.page(f"write/{message}/check")
    etag = fields_of_button(page, "Send now")["etag"]

    for at, status in (("", 422), ("soon", 422)):
        answer = await rita.post(f"write/{message}/send", {"etag": etag, "when": "mine", "at": at})
        assert answer.status == status
        assert 'id="at-wrong"' in answer.body.decode()
    await rita.post(f"write/{message}/send", {"etag": etag, "when": "mine", "at": "2026-06-01T09:30"})

    assert (await rita.heed.get(f"/messages/{message}"))["deliver_at"] == "2026-06-01T07:30:00.000Z"


async def test_a_scheduled_mail_is_moved_sent_at_once_or_deleted(world: World, rita: Visitor) -> None:
    heed, page = world.heed, await rita.page(f"write/{world.scheduled}/time")
    button = fields_of_button(page, "Send now")

    await rita.post(f"write/{world.scheduled}/time", {**button, "when": "mine", "at": "2026-05-14T10:00"})
    assert (await heed.get(f"/messages/{world.scheduled}"))["deliver_at"] == "2026-05-14T08:00:00.000Z"
    late = await rita.post(f"write/{world.scheduled}/time", {**button, "when": "now"})
    assert late.status == 412  # the page was of the time before
    button = fields_of_button(late.body.decode(), "Send now")
    await rita.post(f"write/{world.scheduled}/time", {**button, "when": "now"})
    await heed.work()
    assert (await heed.get(f"/messages/{world.scheduled}"))["status"] == "sent"


async def test_a_scheduled_mail_is_cancelled(world: World, rita: Visitor) -> None:
    button = fields_of_button(await rita.page(f"write/{world.scheduled}/time"), "Cancel and delete")

    await rita.post(f"write/{world.scheduled}/delete", button)

    assert (await world.heed.api("GET", f"/messages/{world.scheduled}")).status == 404
    await pass_time(world.heed, days=10)
    assert b"Prices for next year" not in world.heed.mail()


async def test_a_reminder_is_set_and_removed_after_sending(world: World, rita: Visitor) -> None:
    wrong = await rita.post(f"write/{world.quiet}/reminder", {"remind_at": "soon", "remind_if": "no_reply"})
    assert wrong.status == 422
    assert "not a day and a time" in wrong.body.decode()

    await rita.post(f"write/{world.quiet}/reminder", {"remind_at": "2026-06-01T09:30", "remind_if": "no_reply"})
    reminder = (await world.heed.get(f"/messages/{world.quiet}"))["reminder"]
    assert (reminder["at"], reminder["title"]) == ("2026-06-01T07:30:00.000Z", "Follow up: Notes of our call on Friday")
    await rita.post(f"write/{world.quiet}/reminder", {"act": "remove"})
    assert (await world.heed.get(f"/messages/{world.quiet}"))["reminder"] is None


async def test_without_a_mail_server_the_page_says_so() -> None:
    heed = await Heed(transport=None).start()
    visitor = Visitor(heed)
    await visitor.sign_in()
    message = await heed.draft()
    button = fields_of_button(await visitor.page(f"write/{message}/check"), "Send now")

    answer = await visitor.post(f"write/{message}/send", button)

    assert answer.status == 409
    assert "No mail server is set" in answer.body.decode()


async def test_a_scheduled_mail_becomes_a_draft_again_to_be_changed(world: World, rita: Visitor) -> None:
    button = fields_of_button(await rita.page(f"write/{world.scheduled}/time"), "Make it a draft again")

    answer = await rita.post(f"write/{world.scheduled}/take-back", button)

    assert answer.headers["location"] == f"/console/write/{world.scheduled}"
    assert "Edit draft" in await rita.page(f"write/{world.scheduled}")
    await pass_time(world.heed, days=10)
    assert b"Prices for next year" not in world.heed.mail()
