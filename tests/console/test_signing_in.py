"""Signing in with a key and out, what ends a session, and what a session may do."""

from __future__ import annotations

import pytest

from lib.tokens import Purpose
from tests.console.site import FORM, Visitor
from tests.support.heed import ADMIN_KEY, Heed


async def test_a_key_and_a_user_lead_in(heed: Heed) -> None:
    visitor = Visitor(heed)
    assert (await visitor.get("messages?view=all")).headers["location"] == (
        "/console/sign-in?next=%2Fconsole%2Fmessages%3Fview%3Dall"
    )

    answer = await visitor.sign_in("rep@acme.example")

    assert (answer.status, answer.headers["location"]) == (303, "/console/")
    assert "Rita Rep" in await visitor.page()


async def test_the_cookie_is_for_this_host_alone_and_not_for_scripts(heed: Heed) -> None:
    cookie = (await Visitor(heed).sign_in()).headers["set-cookie"]

    name, *flags = [part.strip() for part in cookie.split(";")]
    assert name.startswith("__Host-heed-session=")
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(flags)
    assert not any(flag.startswith("Domain") for flag in flags)


async def test_on_plain_http_the_cookie_is_one_that_browsers_take() -> None:
    heed = await Heed(settings={"HEED_BASE_URL": "http://localhost:7071"}).start()

    cookie = (await Visitor(heed).sign_in()).headers["set-cookie"]

    assert cookie.startswith("heed-session=")
    assert "Secure" not in cookie


@pytest.mark.parametrize(
    ("key", "user", "said"),
    [
        ("heed_acme." + 32 * "0" + "." + 43 * "x", "rep1", "The key is unknown, or was revoked."),
        (None, "rep2", "acme has no user rep2."),
        (None, "ada@example.com", "acme has no user ada@example.com."),
    ],
)
async def test_a_wrong_key_or_user_does_not(heed: Heed, key: str | None, user: str, said: str) -> None:
    visitor = Visitor(heed)

    answer = await visitor.sign_in(user, key)

    assert answer.status in (401, 422)
    assert said in answer.body.decode()
    assert "set-cookie" not in answer.headers
    assert (await visitor.get()).status == 303


async def test_a_key_that_hands_in_mail_alone_does_not(heed: Heed) -> None:
    key = (await heed.request("POST", "/api/orgs/acme/keys", {"scope": "inbound"}, key=ADMIN_KEY)).json["key"]

    assert (await Visitor(heed).sign_in(key=key)).status == 403


async def test_revoking_the_key_ends_its_sessions(heed: Heed, visitor: Visitor) -> None:
    key = heed.key.split(".")[1]

    await heed.request("DELETE", f"/api/orgs/acme/keys/{key}", key=ADMIN_KEY)

    assert (await visitor.get()).headers["location"].startswith("/console/sign-in")


async def test_deleting_the_user_ends_their_sessions(heed: Heed, visitor: Visitor) -> None:
    await heed.request("DELETE", "/api/orgs/acme/users/rep1", key=heed.key)

    assert (await visitor.get()).status == 303


async def test_a_session_ends_after_twelve_hours(heed: Heed, visitor: Visitor) -> None:
    heed.clock.move(hours=11, minutes=59)
    assert (await visitor.get()).status == 200
    heed.clock.move(minutes=2)
    assert (await visitor.get()).status == 303


async def test_a_person_sends_no_more_requests_than_a_key() -> None:
    heed = await Heed(settings={"HEED_REQUESTS_PER_SECOND": "5"}).start()
    visitor = Visitor(heed)
    await visitor.sign_in()

    answers = [await visitor.get("reminders") for _ in range(6)]

    assert [each.status for each in answers] == [200] * 5 + [429]
    assert answers[-1].headers["retry-after"] == "1"
    heed.clock.move(seconds=1)
    assert (await visitor.get("reminders")).status == 200


async def test_signing_out_drops_the_cookie(visitor: Visitor) -> None:
    answer = await visitor.post_raw("sign-out", {})

    assert answer.headers["set-cookie"].startswith("__Host-heed-session=; Path=/; Max-Age=0")


async def test_what_is_sealed_for_something_else_is_no_session(heed: Heed, visitor: Visitor) -> None:
    ring, sealed = heed.services.ring, visitor.cookie.partition("=")[2]
    plain = ring.unseal(Purpose.CONSOLE, sealed)
    assert plain is not None
    for cookie in (ring.seal(Purpose.USER, plain), ring.seal(Purpose.CONSOLE, b"{}"), sealed[:-1], "x", ""):
        visitor.cookie = f"__Host-heed-session={cookie}"
        assert (await visitor.get()).status == 303


async def test_the_administrators_key_is_told_its_own_door(heed: Heed) -> None:
    visitor = Visitor(heed)

    answer = await visitor.sign_in(key=ADMIN_KEY)

    assert (answer.status, visitor.cookie) == (401, "")
    assert "it opens their pages alone" in answer.body.decode()
    assert 'href="/console/operator"' in answer.body.decode()


async def test_the_way_back_leads_to_the_console_alone(heed: Heed) -> None:
    from urllib.parse import urlencode

    for after, place in [
        ("/console/messages?view=all", "/console/messages?view=all"),
        ("https://evil.example/", "/console/"),
        ("//evil.example/console/", "/console/"),
        ("/console/\\evil.example", "/console/"),
        ("/console/sign-out", "/console/"),
        ("/console/\r\nSet-Cookie: a=b", "/console/"),
        ("/console/../r/token", "/console/"),
        ("/console/messages/%2E%2e/..?view=all", "/console/"),
    ]:
        fields = urlencode({"key": heed.key, "user": "rep1", "next": after})
        answer = await heed.request("POST", "/console/sign-in", fields.encode(), headers=FORM)
        assert answer.headers["location"] == place, after


async def test_forms_from_other_sites_are_refused(heed: Heed, visitor: Visitor) -> None:
    for site in ("cross-site", "same-site", "none"):
        assert (await visitor.post("cards/c/dismiss", sec_fetch_site=site)).status == 403
    for origin in ("https://evil.example", "null", "https://[", "https://heed.test.evil.example", "heed.test"):
        sent = {"content-type": FORM["content-type"], "cookie": visitor.cookie, "origin": origin}
        answer = await heed.request("POST", "/console/cards/c/dismiss", b"", headers=sent)
        assert answer.status == 403, origin
        assert b"not sent from a page of the console" in answer.body, origin


async def test_a_form_without_the_token_of_the_session_is_refused(heed: Heed, visitor: Visitor) -> None:
    other = Visitor(heed)
    await other.sign_in()
    token = (await other.page()).partition('name="form_token" value="')[2].partition('"')[0]

    for fields in ({}, {"form_token": ""}, {"form_token": token or "0" * 32}):
        assert (await visitor.post_raw("cards/c/dismiss", fields)).status == 403


async def test_a_key_that_only_reads_changes_nothing(heed: Heed) -> None:
    key = (await heed.request("POST", "/api/orgs/acme/keys", {"scope": "read"}, key=ADMIN_KEY)).json["key"]
    reader = Visitor(heed)
    await reader.sign_in(key=key)

    assert (await reader.get("messages")).status == 200
    assert (await reader.post("cards/c/dismiss")).status == 403


async def test_a_session_of_one_organization_sees_nothing_of_another(heed: Heed, visitor: Visitor) -> None:
    key = await heed.organization("other")
    user = {"email": "o@other.example", "name": "Otto", "opt_in": True}
    await heed.request("PUT", "/api/orgs/other/users/otto", user, key=key)
    body = {"from": "otto", "to": [{"email": "x@example.com"}], "subject": "Secret plans", "text": "x"}
    message = (await heed.request("POST", "/api/orgs/other/messages", body, key=key)).json["id"]

    assert (await visitor.get(f"messages/{message}")).status == 404
    assert (await visitor.get(f"conversations/{message}")).status == 404
    assert "Secret plans" not in await visitor.page("messages?view=all&whose=all")


async def test_an_administrator_who_reads_no_mail_sees_no_mail(heed: Heed) -> None:
    key = (await heed.request("POST", "/api/orgs/acme/keys", {"scope": "admin"}, key=ADMIN_KEY)).json["key"]
    admin = Visitor(heed)
    await admin.sign_in(key=key)

    assert (await admin.get("messages")).status == 403
    assert 'href="/console/messages"' not in (await admin.get()).body.decode()
