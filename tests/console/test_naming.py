"""Names in place of ids, and lists of names that cannot be misread, wherever pages name people and records."""

from __future__ import annotations

import html
import re

import pytest

from functions.console.naming import with_names
from lib.storage.memory import memory_storage
from tests.console.administering import fill
from tests.console.site import Visitor
from tests.console.world import ADA, World
from tests.support.counting import Calls, counting_storage
from tests.support.heed import Heed


def words(page: str, between: str = " ") -> str:
    """The words of a page; what stands in two elements is set apart by `between`."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", between, page)).split())


async def test_owners_and_parents_are_named(world: World, rita: Visitor) -> None:
    parent = {"type": "account", "id": "a1"}
    await world.heed.put("/records/account/a1", {"name": "Fabrikam"})
    await world.heed.put("/records/contact/bob", {"name": "Bob Nuri", "owner": "rep1", "parent": parent})
    await world.heed.put("/records/contact/cy", {"name": "Cy Dorn", "owner": "gone", "parent": parent})

    people, person = await rita.page("people?type=contact&parent=account/a1"), await rita.page("people/contact/bob")

    assert "Records below Fabrikam" in words(people)
    assert '<span title="rep1">Rita Rep</span>' in people
    assert "<code>gone</code>" in people  # nothing else is known of that user
    assert re.search(r"Belongs to Fabrikam .*Owner Rita Rep", words(person))


async def test_many_owners_are_read_at_once() -> None:
    calls = Calls()
    heed = await Heed(storage=counting_storage(memory_storage(), calls)).start()
    for number in range(12):
        await heed.put(f"/users/u{number}", {"email": f"u{number}@acme.example", "name": f"User {number}"})
        await heed.put(f"/records/contact/c{number}", {"name": f"Contact {number}", "owner": f"u{number}"})
    visitor = Visitor(heed)
    await visitor.sign_in()
    calls.reset()

    page = words(await visitor.page("people"))

    assert all(f"User {number}" in page for number in range(12))
    assert calls.reads["people"] <= 4


async def test_what_a_mail_regards_and_was_made_of_is_named(world: World, rita: Visitor) -> None:
    heed = world.heed
    await heed.put("/records/opportunity/o9", {"name": "Pumps for Linz"})
    about = {"type": "opportunity", "id": "o9"}
    reminder = {"title": "Call", "condition": "always", "at": "2026-05-20T07:00:00Z"}
    message = await heed.draft(to=[ADA], subject="Pumps", regarding=about, template="first", reminder=reminder)

    check, shown = words(await rita.page(f"write/{message}/check")), words(await rita.page(f"messages/{message}"))

    assert "Regarding Pumps for Linz" in check
    assert "regarding Pumps for Linz" in shown
    assert "Template First contact" in shown
    assert "Made of First contact" in words(await rita.page(f"write/{message}"))
    await heed.post(f"/messages/{message}/send")
    await heed.work()
    assert "Pumps for Linz" in words(await rita.page("reminders"))


async def test_acts_and_mailboxes_name_users(world: World) -> None:
    admin = Visitor(world.heed)
    await admin.sign_in(key=await fill(world.heed))
    await world.heed.api("PATCH", "/users/user1", {"opt_in": True}, x_heed_user="rep1")

    assert re.search(r"user\.opt_in .* for Rita Rep Cy Dorn ", words(await admin.page("settings/audit")))
    assert "of Rita Rep" in words(await admin.page("settings/mailboxes"))


async def test_a_muted_message_is_called_by_its_subject(world: World, rita: Visitor) -> None:
    assert "Your offer, as discussed" in await rita.page(f"options?mute={world.offer}")


async def test_a_comma_in_a_name_makes_no_other_recipient(world: World, rita: Visitor) -> None:
    anna = {"email": "anna@example.com", "name": "Meier, Anna"}
    message = await world.heed.draft(to=[anna, {"email": "bob@example.com", "name": "Bob"}, ADA], subject="Three")

    assert "to Meier, Anna; Bob; and 1 more" in words(await rita.page("messages?view=all"), "")
    assert "to Meier, Anna; Bob; Ada Lovett" in words(await rita.page(f"messages/{message}"), "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("The contact c1 says no to following.", "The contact “Ada” says no to following."),
        ("The contact c10 says no.", "The contact c10 says no."),
        (
            "The account a1 (above the contact c1) says no.",
            "The account “A, B” (above the contact “Ada”) says no.",
        ),
        ("The address's newest consent says yes.", "The address's newest consent says yes."),
    ],
)
def test_sentences_about_consent_name_records(text: str, said: str) -> None:
    assert with_names(text, {("contact", "c1"): "Ada", ("account", "a1"): "A, B"}) == said
