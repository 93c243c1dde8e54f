"""Every screen of the console against strangers: their ids, their words, and their forms."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from functions.console.screen import Screen
from functions.console.screens import SCREENS
from tests.console.administering import SETTINGS_PATHS, fill
from tests.console.site import Visitor
from tests.console.test_pages import paths
from tests.console.world import World, make_world
from tests.support.heed import ADMIN_KEY, Heed

SECRET = "Secret plans"
HOSTILE = "\"><img src=x onerror=alert(1)>'<script>alert(2)</script>"
OUR_PLACES = ("/console", "/outlook/acme/", "#", "https://db-ip.com")
ISSUER = "https://login.example.com/tenant"
_PARAMETER = re.compile(r"\(\?P<(\w+)>\[\^/\]\+\)")


def filled(screen: Screen, ids: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """The paths of a screen with these ids in every place."""
    pattern = screen.pattern.pattern.replace("\\", "")
    names = _PARAMETER.findall(pattern)
    for chosen in itertools.product(*[ids.get(name, ["x"]) for name in names]):
        path = pattern
        for value in chosen:
            path = _PARAMETER.sub(value, path, count=1)
        yield path


async def told(visitor: Visitor, ids: Mapping[str, Sequence[str]], form: Mapping[str, str]) -> list[str]:
    """Ask every screen for these ids; the paths that tell a secret, do something, or fail."""
    found = list[str]()
    token = (await visitor.page()).partition('name="form_token" value="')[2].partition('"')[0]
    for screen in SCREENS:
        for path in filled(screen, ids):
            if screen.method == "GET":
                answers = [await visitor.get(f"{path}{query}") for query in ("", "?whose=all&view=all&format=csv")]
            else:
                answers = [await visitor.post_raw(path, {**form, "form_token": token})]
            for answer in answers:
                is_done = screen.method == "POST" and answer.status == 303 and names_one(path, ids)
                if SECRET in answer.body.decode() or answer.status >= 500 or is_done:
                    found.append(f"{screen.method} {path}: {answer.status}")
    return found


def names_one(path: str, ids: Mapping[str, Sequence[str]]) -> bool:
    """Whether a path names something of others, or a form that does."""
    return path == "write/reply" or any(each in path for some in ids.values() for each in some)


@pytest.fixture
async def others() -> tuple[Heed, dict[str, str]]:
    """Heed with a message of another organization and one of a colleague; their ids."""
    heed = await Heed().start(people_see="own_mail", sign_in={"issuer": ISSUER, "audience": "api", "client_id": "c"})
    await heed.put("/users/rep2", {"email": "rep2@acme.example", "name": "Rea", "opt_in": True})
    mail = {"to": [{"email": "x@example.com"}], "subject": SECRET, "html": f"<p>{SECRET}</p>"}
    colleagues = (await heed.post("/messages", {**mail, "from": "rep2"}))["id"]
    key = await heed.organization("other")
    users, user = "/api/orgs/other/users/otto", {"email": "o@other.example", "name": "Otto", "opt_in": True}
    await heed.request("PUT", users, user, key=key)
    strangers = (await heed.request("POST", "/api/orgs/other/messages", {**mail, "from": "otto"}, key=key)).json["id"]
    record = {"name": SECRET, "emails": ["x@example.com"]}
    await heed.request("PUT", "/api/orgs/other/records/contact/zed", record, key=key)
    template = {"name": SECRET, "language": "en", "subject": SECRET, "html": "<p>x</p>"}
    await heed.request("PUT", "/api/orgs/other/templates/plan", template, key=key)
    return heed, {"colleague": colleagues, "stranger": strangers, "key": key}


ACTS = ["dismiss", "sent", "resend", "retry", "pause", "delete"]


async def test_no_screen_tells_of_another_organization_or_changes_it(others: tuple[Heed, dict[str, str]]) -> None:
    heed, made = others
    visitor = Visitor(heed)
    await visitor.sign_in()
    message = made["stranger"]
    ids = {"message": [message], "conversation": [message], "card": [message], "user": ["otto"], "act": ACTS}
    form = {
        "message": message,
        "template": "plan",
        "act": "save",
        "subject": "changed",
        "id": "plan",
        "name": "changed",
    }

    assert await told(visitor, {**ids, "id": ["zed", "plan"], "type": ["contact"]}, form) == []
    stored: Any = await heed.request("GET", f"/api/orgs/other/messages/{message}", key=made["key"])
    assert (stored.json["subject"], stored.json["status"]) == (SECRET, "draft")


async def test_no_screen_tells_a_salesperson_of_a_colleagues_mail(others: tuple[Heed, dict[str, str]]) -> None:
    heed, made = others
    person, message = Visitor(heed), made["colleague"]
    sealed = heed.services.sessions.begin_session("acme", "rep1", frozenset({"user"}), issuer=ISSUER)
    person.cookie = f"__Host-heed-session={sealed}"
    ids = {"message": [message], "conversation": [message], "card": [message], "user": ["rep2"], "act": ACTS}
    form = {"message": message, "act": "save", "subject": "changed", "when": "now"}

    assert await told(person, ids, form) == []
    stored = await heed.get(f"/messages/{message}")
    assert (stored["subject"], stored["status"]) == (SECRET, "draft")


async def test_no_form_is_taken_without_the_token_of_its_session(visitor: Visitor) -> None:
    for screen in SCREENS:
        if screen.method == "POST":
            for path in filled(screen, {}):
                assert (await visitor.post_raw(path, {"users": "all", "to": "off"})).status == 403, path


async def test_names_that_others_chose_are_text_on_every_page() -> None:
    world = await make_hostile(await make_world())
    heed = world.heed
    rita, admin = Visitor(heed), Visitor(heed)
    await rita.sign_in()
    await admin.sign_in(key=await fill(heed))
    await heed.request("PATCH", "/api/orgs/acme", {"name": HOSTILE}, key=ADMIN_KEY)
    await heed.put("/rules/hostile", {"when": {"subject": HOSTILE}, "create": {"type": "task", "fields": {}}})

    for visitor, pages in ((rita, paths(world)), (admin, SETTINGS_PATHS)):
        for path in pages:
            page = await visitor.page(path)
            assert "<img src=x" not in page, path
            assert "<script>alert" not in page, path
            assert all(each.startswith(OUR_PLACES) for each in addresses_in(page)), path


def addresses_in(page: str) -> list[str]:
    return [each for each in re.findall(r'(?:href|src|action)="([^"]*)"', page) if each]


async def make_hostile(world: World) -> World:
    """Give what others name the worst of names."""
    heed = world.heed
    await heed.api("PATCH", "/users/rep1", {"name": HOSTILE})
    await heed.put("/records/contact/ada", {"name": HOSTILE, "emails": ["ada@example.com"], "company": HOSTILE})
    template = {"name": HOSTILE, "language": "en", "subject": HOSTILE, "html": "<p>Hi</p>"}
    await heed.put("/templates/first", template)
    about = {"type": "opportunity", "id": "o1", "name": HOSTILE}
    to = [{"email": "ada@example.com", "name": HOSTILE}]
    world.draft = await heed.draft(subject=HOSTILE, to=to, regarding=about)
    world.offer = await heed.sent(subject=HOSTILE, to=to, regarding=about)
    await heed.put("/consents/ada@example.com", {"follow": "allow", "source": HOSTILE, "basis": HOSTILE})
    return world
