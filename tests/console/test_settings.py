"""Settings in the console: forms that lose nothing, secrets shown once, and second steps for what cannot be undone."""

from __future__ import annotations

import html
import re

import pytest

from tests.console.site import Visitor
from tests.support.heed import ADMIN_KEY, Heed

FORMS = ("organization", "hours", "scores", "privacy", "inbound")
PAGES = (*FORMS, "sign-in", "users", "keys", "webhooks", "mailboxes", "rules")
CONTROLS = ("switches", "readiness", "audit")
MAILBOX = {"kind": "imap", "host": "imap.example.com", "user": "eve", "secret": "HEED_MAILBOX_ACME_X"}


class Administrator(Visitor):
    """A visitor whose key has the scope `admin`."""

    async def fill(self, path: str, fields: dict[str, str] | None = None, *, of: str = "") -> tuple[int, str]:
        """Load a page, fill in one of its forms, and send it to the path; the status and the page, or the address."""
        fields = {**hidden_and_shown(await self.page(of or path)), **(fields or {})}
        answer = await self.post_raw(path, {name: value for name, value in fields.items() if value is not None})
        return answer.status, answer.headers.get("location") or html.unescape(answer.body.decode())


def hidden_and_shown(page: str) -> dict[str, str]:
    """Read what the fields of a page's form hold, as a browser sends them."""
    main = page.partition("<main")[2]
    found: dict[str, str] = {}
    for tag in re.findall(r"<input [^>]*>", main):
        given = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        if "name" in given and (given.get("type") != "checkbox" or " checked" in tag):
            found.setdefault(given["name"], html.unescape(given.get("value", "")))
    for name, options in re.findall(r'<select [^>]*name="([^"]+)"[^>]*>(.*?)</select>', main):
        chosen = re.search(r'<option value="([^"]*)" selected', options)
        found[name] = chosen[1] if chosen else re.findall(r'value="([^"]*)"', options)[0]
    for name, text in re.findall(r'<textarea [^>]*name="([^"]+)"[^>]*>(.*?)</textarea>', main, re.DOTALL):
        found[name] = html.unescape(text)
    return found


@pytest.fixture
async def admin(heed: Heed) -> Administrator:
    made = await heed.request("POST", "/api/orgs/acme/keys", {"scope": "admin", "name": "Ann’s"}, key=ADMIN_KEY)
    visitor = Administrator(heed)
    await visitor.sign_in(key=made.json["key"])
    return visitor


async def settings_of(heed: Heed) -> dict[str, object]:
    found: dict[str, object] = (await heed.request("GET", "/api/orgs/acme", key=ADMIN_KEY)).json["settings"]
    return found


async def test_every_page_of_the_settings_is_there(admin: Administrator) -> None:
    await admin.heed.put("/mailboxes/x1", MAILBOX)
    for path in (*PAGES, *CONTROLS):
        assert f'href="/console/settings/{path}" aria-current="page"' in await admin.page(f"settings/{path}")
    assert (await admin.get("settings/nothing")).status == 404
    assert (await admin.get()).headers["location"] == "/console/settings"
    refused = await admin.get("messages")
    assert refused.status == 403
    way_on = refused.body.decode().partition("<main")[2]
    assert "Settings</a>" in way_on
    assert "Today" not in way_on  # an administrator has no such page


async def test_salespeople_see_no_settings(visitor: Visitor) -> None:
    assert "Settings" not in await visitor.page()
    for path in (*PAGES, *CONTROLS):
        assert (await visitor.get(f"settings/{path}")).status == 403


@pytest.mark.parametrize("path", FORMS)
async def test_saving_a_form_as_it_is_changes_nothing(admin: Administrator, path: str) -> None:
    before = await settings_of(admin.heed)
    assert await admin.fill(f"settings/{path}") == (303, f"/console/settings/{path}?did=saved")
    assert await settings_of(admin.heed) == before


async def test_settings_are_changed_by_the_form(admin: Administrator) -> None:
    changed = {"people_see": "own_mail", "from_domain_allow": "acme.example\r\nacme.test", "human_from.open": "0.9"}
    await admin.fill("settings/organization", {**changed, "name": "Acme Ltd"})
    await admin.fill("settings/hours", {"work_hours.days": "3", "work_hours.start": "07:30"})

    found = await settings_of(admin.heed)
    assert (found["people_see"], found["from_domain_allow"]) == ("own_mail", ["acme.example", "acme.test"])
    assert found["human_from"]["open"] == 0.9  # type: ignore[index]
    assert found["work_hours"] == {"days": [3], "start": "07:30", "end": "17:00"}
    assert "Settings of Acme Ltd" in await admin.page("settings/hours")


async def test_what_is_wrong_stands_at_its_field_and_what_was_typed_stays(admin: Administrator) -> None:
    status, page = await admin.fill("settings/privacy", {"retention_days": "many", "lawful_basis": "contract"})
    assert status == 422
    assert 'id="retention_days-wrong"' in page
    assert 'value="many"' in page
    assert 'value="contract"' in page

    status, page = await admin.fill("settings/hours", {"work_hours.start": "18:00"})
    assert status == 422
    assert "work hours must start before they end" in page


async def test_of_two_who_change_the_same_settings_the_second_chooses(admin: Administrator) -> None:
    form = hidden_and_shown(await admin.page("settings/scores"))
    await admin.fill("settings/scores", {"score.reply": "20"})

    late = await admin.post_raw("settings/scores", {**form, "score.reply": "30"})
    page = late.body.decode()
    assert late.status == 412
    assert "Somebody has changed these settings meanwhile" in page
    assert "<td>20</td><td>30</td>" in page
    assert (await settings_of(admin.heed))["score"]["reply"] == 20  # type: ignore[index]

    await admin.post_raw("settings/scores", hidden_and_shown(page))
    assert (await settings_of(admin.heed))["score"]["reply"] == 30  # type: ignore[index]


async def test_those_who_change_other_settings_do_not_disturb_each_other(admin: Administrator) -> None:
    form = hidden_and_shown(await admin.page("settings/scores"))
    await admin.fill("settings/organization", {"name": "Acme Ltd"})

    answer = await admin.post_raw("settings/scores", {**form, "score.reply": "30"})

    assert answer.status == 303
    found = (await admin.heed.request("GET", "/api/orgs/acme", key=ADMIN_KEY)).json
    assert (found["name"], found["settings"]["score"]["reply"]) == ("Acme Ltd", 30)


@pytest.mark.parametrize(
    ("path", "field", "value", "warning"),
    [
        ("organization", "tracking", "off", "Nothing is recorded any more"),
        ("privacy", "retention_days", "30", "older than 30 days is deleted"),
        ("privacy", "keep_days.files", "10", "older than 10 days is deleted"),
    ],
)
async def test_what_cannot_be_undone_takes_a_second_step(
    admin: Administrator, path: str, field: str, value: str, warning: str
) -> None:
    before = await settings_of(admin.heed)
    status, page = await admin.fill(f"settings/{path}", {field: value})
    assert (status, warning in page) == (200, True)
    assert await settings_of(admin.heed) == before

    answer = await admin.post_raw(f"settings/{path}", hidden_and_shown(page))

    assert answer.status == 303
    assert await settings_of(admin.heed) != before


async def test_a_key_is_shown_once_and_revoked_in_a_second_step(admin: Administrator) -> None:
    status, page = await admin.fill("settings/keys", {"name": "Sync", "scope": "read"})
    key = re.findall(r'id="secret"[^>]* value="([^"]+)"', page)[0]
    assert status == 200
    assert (await admin.heed.request("GET", "/api/orgs/acme/users", key=key)).status == 200
    listed = await admin.page("settings/keys")
    assert "Sync" in listed
    assert key not in listed

    link = re.findall(r"/console/(settings/keys/\w+/revoke)", listed.partition("Sync")[2])[0]
    assert "Revoke the key?" in await admin.page(link)
    assert (await admin.heed.request("GET", "/api/orgs/acme/users", key=key)).status == 200
    await admin.fill(link)
    assert (await admin.heed.request("GET", "/api/orgs/acme/users", key=key)).status == 401


async def test_opting_in_shows_in_the_share(admin: Administrator) -> None:
    for number in range(3):
        await admin.heed.put(f"/users/u{number}", {"email": f"u{number}@acme.example", "opt_in": False})
    assert "1 of 4 users has opted in" in await admin.page("settings/users")

    await admin.fill("settings/users/opt-in", {"user": "u1", "opt_in": "yes"}, of="settings/users")
    assert "2 of 4 users have opted in" in await admin.page("settings/users")
    assert "u1@acme.example" not in await admin.page("settings/users?opt_in=no")

    assert "Opt all 4 users in?" in await admin.page("settings/users/everybody?opt_in=yes")
    await admin.fill("settings/users/opt-in", of="settings/users/everybody?opt_in=yes")
    assert "4 of 4 users have opted in" in await admin.page("settings/users")


async def test_users_are_made_changed_and_deleted(admin: Administrator) -> None:
    given = {"id": "u9", "email": "u9@acme.example", "name": "Nia", "networks": "192.0.2.0/24\r\n198.51.100.0/24"}
    await admin.fill("settings/users/save", given, of="settings/users/new")
    stored = await admin.heed.get("/users/u9")
    assert (stored["name"], stored["networks"]) == ("Nia", ["192.0.2.0/24", "198.51.100.0/24"])

    form = hidden_and_shown(await admin.page("settings/users/u9"))
    await admin.fill("settings/users/save", {"name": "Nia N."}, of="settings/users/u9")
    late = await admin.post_raw("settings/users/save", {**form, "name": "Other"})
    assert late.status == 412
    assert "Somebody has changed this user meanwhile" in late.body.decode()
    status, page = await admin.fill("settings/users/save", {"time_zone": "Mars"}, of="settings/users/u9")
    assert (status, 'id="time_zone-wrong"' in page) == (422, True)
    status, page = await admin.fill("settings/users/save", given, of="settings/users/new")
    assert (status, "There is a user u9 already" in page) == (422, True)

    await admin.fill("settings/users/u9/delete")
    assert (await admin.heed.api("GET", "/users/u9")).status == 404


async def test_a_webhook_is_made_changed_and_given_a_new_secret(admin: Administrator) -> None:
    given = {"url": "https://hooks.example.com/x", "events": "message.opened"}
    status, page = await admin.fill("settings/webhooks/save", given, of="settings/webhooks/new")
    first = re.findall(r'id="secret"[^>]* value="([^"]+)"', page)[0]
    link = re.findall(r"/console/(settings/webhooks/\w+)\"", page.partition('id="secret"')[2])[0]
    assert (status, first[:6]) == (200, "whsec_")
    assert "message.opened" in await admin.page(link)
    assert first not in await admin.page(link)

    await admin.fill("settings/webhooks/save", {"url": "https://hooks.example.com/y"}, of=f"{link}/edit")
    assert "https://hooks.example.com/y" in await admin.page("settings/webhooks")
    _, page = await admin.fill(f"{link}/secret")
    assert re.findall(r'id="secret"[^>]* value="([^"]+)"', page)[0] != first
    status, page = await admin.fill("settings/webhooks/save", {"url": "http://x"}, of="settings/webhooks/new")
    assert status == 422
    await admin.fill(f"{link}/delete")
    assert "No webhook yet" in await admin.page("settings/webhooks")


async def test_a_test_delivery_tells_why_it_did_not_arrive(admin: Administrator) -> None:
    await admin.heed.put("/webhooks/w1", {"url": "https://nothing.invalid/x"})
    status, page = await admin.fill("settings/webhooks/w1/test", of="settings/webhooks/w1")
    assert status == 200
    assert 'class="wrong" role="status"' in page


async def test_mailboxes_are_paused_and_go_on(admin: Administrator) -> None:
    await admin.heed.put("/mailboxes/x1", MAILBOX)
    assert "not read yet" in await admin.page("settings/mailboxes")
    await admin.fill("settings/mailboxes/x1/pause", of="settings/mailboxes")
    assert (await admin.heed.get("/mailboxes/x1"))["enabled"] is False
    assert "paused" in await admin.page("settings/mailboxes")
    await admin.fill("settings/mailboxes/x1/resume", of="settings/mailboxes")
    assert (await admin.heed.get("/mailboxes/x1"))["enabled"] is True
    await admin.fill("settings/mailboxes/x1/delete")
    assert "No mailbox yet" in await admin.page("settings/mailboxes")


async def test_a_failing_mailbox_says_why_and_is_tried_again_on_request(admin: Administrator) -> None:
    heed = admin.heed
    await heed.put("/mailboxes/x1", MAILBOX)
    await heed.services.polling.run()
    page = await admin.page("settings/mailboxes")
    assert "failing" in page
    assert "HEED_MAILBOX_ACME_X" in page
    [polled] = await heed.services.mailboxes.list_polled("acme")
    assert polled.state.next_poll_at

    status, address = await admin.fill("settings/mailboxes/x1/poll", of="settings/mailboxes")
    assert (status, address) == (303, "/console/settings/mailboxes?asked=x1")
    assert "x1 is read within a minute" in await admin.page("settings/mailboxes?asked=x1")
    [polled] = await heed.services.mailboxes.list_polled("acme")
    assert polled.state.next_poll_at is None
    await admin.fill("settings/mailboxes/x1/pause", of="settings/mailboxes")
    assert (await heed.api("POST", "/mailboxes/x1/poll")).status == 409


async def test_rules_are_made_and_deleted(admin: Administrator) -> None:
    status, page = await admin.fill("settings/rules", {"id": "Support", "type": "case"})
    assert (status, "name at least one condition" in page) == (422, True)

    await admin.fill("settings/rules", {"id": "Support", "type": "case", "to": "support@acme.example"})
    assert (await admin.heed.get("/rules/support"))["create"]["type"] == "case"
    assert "support@acme.example" in await admin.page("settings/rules")
    await admin.fill("settings/rules/support/delete")
    assert "There is none yet" in await admin.page("settings/rules")


async def test_rules_are_changed_by_the_form(admin: Administrator) -> None:
    fields = {"title": "Call back", "due_in_hours": 24, "text": "two\nlines"}
    rule = {"when": {"to": "support@acme.example", "kind": "new"}, "create": {"type": "task", "fields": fields}}
    await admin.heed.put("/rules/support", rule)
    before = await admin.heed.get("/rules/support")

    assert await admin.fill("settings/rules/support") == (303, "/console/settings/rules")
    same = await admin.heed.get("/rules/support")
    assert {**same, "etag": ""} == {**before, "etag": ""}

    form = hidden_and_shown(await admin.page("settings/rules/support"))
    await admin.fill("settings/rules/support", {"title": "Answer", "from": "@example.com"})
    found = await admin.heed.get("/rules/support")
    assert found["create"]["fields"] == {**fields, "title": "Answer"}
    assert found["when"]["from"] == "@example.com"
    late = await admin.post_raw("settings/rules/support", {**form, "title": "Other"})
    assert late.status == 412
    assert "Somebody has changed this rule meanwhile" in late.body.decode()
    status, page = await admin.fill("settings/rules/support", {"from": "nobody", "to": "example.com"})
    assert (status, 'id="from-wrong"' in page, 'id="to-wrong"' in page) == (422, True, True)
    status, page = await admin.fill("settings/rules/support", {"more_fields": "due_in_hours: soon"})
    assert (status, "due_in_hours" in page) == (422, True)


async def test_all_rules_and_webhooks_can_be_reached(admin: Administrator) -> None:
    for number in range(101):
        rule = {"when": {"to": f"r{number}@acme.example"}, "create": {"type": "case"}}
        await admin.heed.put(f"/rules/r{number:03}", rule)
    page = await admin.page("settings/rules")
    assert "r100" not in page
    [more] = re.findall(r'href="/console/(settings/rules\?[^"]+)" data-more="list"', page)
    assert "r100" in await admin.page(html.unescape(more))


async def test_mailboxes_are_made_and_changed_by_the_form(admin: Administrator) -> None:
    given = {
        "id": "sales",
        "kind": "imap",
        "host": "imap.example.com",
        "user": "sales@acme.example",
        "secret": "HEED_MAILBOX_ACME_SALES",
        "owner": "rep1",
        "folders": "INBOX\r\nINBOX/Big deals => opportunity/o1",
        "categories": "Follow\r\nSupport => case",
    }
    assert await admin.fill("settings/mailboxes/save", given, of="settings/mailboxes/new") == (
        303,
        "/console/settings/mailboxes",
    )
    made = await admin.heed.get("/mailboxes/sales")
    assert [each["path"] for each in made["folders"]] == ["INBOX", "INBOX/Big deals"]
    assert made["folders"][1]["regarding"] == {"type": "opportunity", "id": "o1", "name": None}
    assert made["categories"] == [{"name": "Follow", "create": None}, {"name": "Support", "create": "case"}]
    assert (made["owner"], made["enabled"], made["queue"], made["port"]) == ("rep1", True, False, None)

    named = [{"path": "INBOX", "regarding": {"type": "case", "id": "7", "name": "Number seven"}}]
    await admin.heed.api("PATCH", "/mailboxes/sales", {"folders": named})
    await admin.fill("settings/mailboxes/save", {"security": "starttls"}, of="settings/mailboxes/sales/edit")
    changed = await admin.heed.get("/mailboxes/sales")
    assert (changed["security"], changed["folders"]) == ("starttls", named)

    status, page = await admin.fill("settings/mailboxes/save", given, of="settings/mailboxes/new")
    assert (status, "There is a mailbox sales already" in page) == (422, True)
    wrong = {"host": "not a host", "port": "many", "folders": "INBOX\r\nDeals => x"}
    status, page = await admin.fill("settings/mailboxes/save", wrong, of="settings/mailboxes/sales/edit")
    assert status == 422
    assert all(f'id="{name}-wrong"' in page for name in ("host", "port", "folders"))
    assert "“Deals”: " in page.partition('id="folders-wrong"')[2]
    assert 'value="not a host"' in page


async def test_the_provider_of_the_organization_is_set_and_removed(admin: Administrator) -> None:
    given = {
        "issuer": "https://login.example.com/tenant",
        "audience": "api",
        "client_id": "console",
        "user_claim": "oid",
        "role_claim": "roles",
        "roles": "Sales => user\r\nHead of sales => full",
    }
    assert await admin.fill("settings/sign-in", given) == (303, "/console/settings/sign-in?did=saved")
    found = await settings_of(admin.heed)
    assert found["sign_in"] == {**given, "roles": {"Sales": "user", "Head of sales": "full"}}
    await admin.fill("settings/sign-in")
    assert (await settings_of(admin.heed))["sign_in"] == found["sign_in"]

    status, page = await admin.fill("settings/sign-in", {"issuer": "login", "roles": "Sales => user\r\nBoss => king"})
    assert (status, 'id="issuer-wrong"' in page) == (422, True)
    assert "“Boss”: " in page.partition('id="roles-wrong"')[2]
    form = hidden_and_shown(await admin.page("settings/sign-in"))
    await admin.fill("settings/organization", {"name": "Acme Ltd"})
    assert (await admin.post_raw("settings/sign-in", form)).status == 412

    assert "Remove the provider?" in await admin.page("settings/sign-in/remove")
    await admin.fill("settings/sign-in/remove")
    assert (await settings_of(admin.heed))["sign_in"] is None


async def test_the_wrong_entry_of_a_list_is_quoted_at_its_field(admin: Administrator) -> None:
    typed = {"networks": "192.0.2.0/24\r\nnowhere"}
    status, page = await admin.fill("settings/users/save", typed, of="settings/users/rep1")
    assert status == 422
    assert "“nowhere”: " in page.partition('id="networks-wrong"')[2]

    wrong = {"cors_origins": "https://crm.example.com\r\ncrm.example.com/x"}
    status, page = await admin.fill("settings/organization", wrong)
    assert status == 422
    assert "“crm.example.com/x”: " in page.partition('id="cors_origins-wrong"')[2]


async def test_switches_take_a_second_step_to_switch_off_and_one_to_switch_on(admin: Administrator) -> None:
    heed = admin.heed
    await heed.sent(html='<p><a href="https://example.com/a">a</a></p>')
    [link] = heed.urls("c")
    assert "Switch all links off?" in await admin.page("settings/switches/links")
    assert (await heed.hit(link)).status == 302

    await admin.fill("settings/switches/links")
    await admin.fill("settings/switches/engagement")
    assert (await heed.hit(link)).status == 410
    assert (await settings_of(heed))["engagement_enabled"] is False

    form = {**hidden_and_shown(await admin.page("settings/switches")), "to": "on"}
    await admin.post_raw("settings/switches/links", form)
    await admin.post_raw("settings/switches/engagement", form)
    assert (await heed.hit(link)).status == 302
    assert (await settings_of(heed))["engagement_enabled"] is True


async def test_readiness_names_each_remedy_and_the_log_names_each_act(admin: Administrator) -> None:
    page = await admin.page("settings/readiness")
    assert "What to do:" in page
    await admin.fill("settings/keys", {"name": "Sync", "scope": "read"})
    assert "key.made" in await admin.page("settings/audit")
