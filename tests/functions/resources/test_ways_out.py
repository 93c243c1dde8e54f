"""A followed mail says that it is followed, and leads to the recipient's page, where the organization wants it."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest

from lib.tokens import Purpose
from tests.support.heed import BASE_URL, Heed

ADA = {"email": "ada@example.com", "name": "Ada"}
BOB = {"email": "bob@example.com", "name": "Bob"}
PAGE = re.compile(rf"{BASE_URL}/p/([\w-]+)")


@pytest.fixture
async def heed() -> Heed:
    return await Heed().start(recipients_page=True)


def read(raw: bytes) -> EmailMessage:
    return message_from_bytes(raw, policy=policy.default)


def part(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def pages(text: str) -> list[str]:
    return PAGE.findall(text)


def list_header(mail: EmailMessage) -> str:
    return re.sub(r"\s+", "", str(mail["List-Unsubscribe"]))


async def test_the_footer_stands_in_both_parts_and_the_header_names_the_same_page(heed: Heed) -> None:
    await heed.sent(to=[ADA])

    mail = read(heed.mail())
    [in_html], [in_text] = pages(part(mail, "html")), pages(part(mail, "plain"))

    assert in_html == in_text
    assert list_header(mail) == f"<{BASE_URL}/p/{in_html}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    claim = heed.services.ring.open(Purpose.PAGE, in_html)
    assert claim is not None
    assert (claim.organization, claim.recipient) == ("acme", 0)
    assert claim.address is not None


async def test_without_the_setting_nothing_is_added() -> None:
    heed = await Heed().start()
    await heed.sent(to=[ADA])

    mail = read(heed.mail())

    assert b"/p/" not in heed.mail()
    assert mail["List-Unsubscribe"] is None
    assert mail["List-Unsubscribe-Post"] is None


async def test_a_mail_that_is_not_followed_has_no_footer(heed: Heed) -> None:
    await heed.sent(to=[ADA], follow=False)

    assert b"/p/" not in heed.mail()
    assert read(heed.mail())["List-Unsubscribe"] is None


async def test_each_copy_leads_to_its_own_recipients_page() -> None:
    heed = await Heed().start(recipients_page=True, mixed_recipients="split")
    await heed.sent(to=[ADA, BOB])

    mails = [read(heed.mail(number)) for number in (0, 1)]
    claims = []
    for mail in mails:
        [token] = pages(part(mail, "html"))
        assert [token] == pages(part(mail, "plain")) == pages(list_header(mail))
        claims.append(heed.services.ring.open(Purpose.PAGE, token))

    assert sorted(claim.recipient or 0 for claim in claims if claim) == [0, 1]


async def test_one_copy_to_several_offers_no_one_click_as_it_does_not_tell_whose_click_it_is(heed: Heed) -> None:
    await heed.sent(to=[ADA, BOB])

    mail = read(heed.mail())

    assert len(pages(list_header(mail))) == 1
    assert mail["List-Unsubscribe-Post"] is None


async def test_a_crm_that_sends_by_itself_gets_the_headers(heed: Heed) -> None:
    message = await heed.draft(to=[ADA])

    prepared = await heed.post(f"/messages/{message}/prepare")
    [copy] = prepared["copies"]

    [token] = pages(copy["html"])
    assert copy["headers"]["List-Unsubscribe"] == f"<{BASE_URL}/p/{token}>"
    assert copy["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert pages(prepared["sender_copy"]["html"]) == []


async def template_in(heed: Heed, language: str) -> str:
    spec = {"name": "T", "language": language, "subject": "Hello", "html": "<p>Hi</p>", "text": "Hi"}
    await heed.put("/templates/t1", spec)
    return "t1"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"html": '<html lang="de-AT"><body><p>Servus</p></body></html>'}, "Der Absender kann sehen"),
        ({"html": "<html xml:lang='x' lang=fr><body><p>Salut</p></body></html>"}, "L’expéditeur peut voir"),
        ({"html": '<body lang="es"><p>Hola</p>'}, "El remitente puede ver"),
        ({"html": '<html lang="nl"><p>Hoi</p>'}, "The sender can see"),
        ({"html": '<p lang="it">Ciao</p>'}, "The sender can see"),
        ({"html": None, "text": "Hi"}, "The sender can see"),
    ],
)
async def test_the_footer_speaks_the_language_that_the_mail_names(
    heed: Heed, fields: dict[str, Any], words: str
) -> None:
    await heed.sent(to=[ADA], **fields)

    assert words in part(read(heed.mail()), "plain")


async def test_a_mail_of_a_template_has_a_footer_in_its_language(heed: Heed) -> None:
    await heed.sent(to=[ADA], template=await template_in(heed, "it"), html="<p>Ciao</p>")

    assert "Il mittente può vedere" in part(read(heed.mail()), "html")


@pytest.mark.parametrize(
    ("html", "words"),
    [
        ("<p>Guten Tag</p>", "Der Absender kann sehen"),
        ("<html lang=nl><p>Hoi</p>", "Der Absender kann sehen"),
        (None, "Der Absender kann sehen"),
        ("<html lang=en><p>Hello</p>", "The sender can see"),
    ],
)
async def test_a_mail_that_names_no_language_has_a_footer_in_that_of_the_organization(
    html: str | None, words: str
) -> None:
    heed = await Heed().start(recipients_page=True, language="de")
    await heed.sent(to=[ADA], html=html, text="Guten Tag")

    assert words in part(read(heed.mail()), "plain")


async def test_a_template_names_a_language_before_the_organization_does() -> None:
    heed = await Heed().start(recipients_page=True, language="de")
    await heed.sent(to=[ADA], template=await template_in(heed, "it"), html="<p>Ciao</p>")

    assert "Il mittente può vedere" in part(read(heed.mail()), "html")


async def test_a_language_that_heed_does_not_speak_is_refused(heed: Heed) -> None:
    with pytest.raises(AssertionError, match="language"):
        await heed.organization("acme", language="nl")


@pytest.mark.parametrize(
    "url",
    ["http://example.com/", "javascript:alert(1)", "https://", "https://a b/", 'https://x/"onclick', "https://u:p@x/"],
)
async def test_a_privacy_notice_that_is_no_plain_https_address_is_refused(heed: Heed, url: str) -> None:
    with pytest.raises(AssertionError, match="privacy_notice_url"):
        await heed.organization("acme", privacy_notice_url=url)


async def test_the_settings_of_the_page_are_read_as_they_were_put(heed: Heed) -> None:
    given = {
        "recipients_page": True,
        "lawful_basis": "legitimate_interest",
        "privacy_notice_url": "https://acme.example/privacy?lang=en#tracking",
    }
    await heed.organization("acme", **given)

    shown = await heed.request("GET", "/api/orgs/acme", key="admin-key-of-tests")

    assert given.items() <= shown.json["settings"].items()


async def test_with_a_reply_domain_a_mail_stops_too() -> None:
    heed = await Heed().start(recipients_page=True, inbound={"reply_domain": "in.acme.example"})
    await heed.put("/users/rep1", {"email": "rep@acme.example", "name": "Rita", "opt_in": True, "inbound": "replies"})
    message = await heed.sent(to=[ADA])
    page, mailto = list_header(read(heed.mail())).split(",")
    assert page.startswith(f"<{BASE_URL}/p/")
    [address] = re.findall(r"^<mailto:(reply\+[a-z0-9]+@in\.acme\.example)\?subject=unsubscribe>$", mailto)

    raw = (
        f"From: Ada <ada@example.com>\r\nTo: {address}\r\nSubject: Unsubscribe\r\nMessage-ID: <u@x.example>\r\n\r\n\r\n"
    )
    headers = {"content-type": "message/rfc822"}
    await heed.request("POST", "/api/orgs/acme/inbound", raw.encode(), key=heed.key, headers=headers)
    await heed.work()

    assert (await heed.get("/consents/ada@example.com"))["follow"] == "do_not_allow"
    assert (await heed.get(f"/messages/{message}"))["kpis"]["replies"] == 0
    await heed.hit(heed.urls("o")[0])
    await heed.work()
    assert (await heed.get(f"/messages/{message}"))["kpis"]["raw"]["opens"] == 0


async def test_a_mail_with_that_subject_to_someone_else_stops_nothing() -> None:
    heed = await Heed().start(recipients_page=True, inbound={"reply_domain": "in.acme.example"})
    await heed.sent(to=[ADA])
    answered = read(heed.mail())["Message-ID"]

    raw = (
        "From: Ada <ada@example.com>\r\nTo: rep@acme.example\r\nSubject: unsubscribe\r\nMessage-ID: <u@x.example>\r\n"
        f"In-Reply-To: {answered}\r\n\r\nfrom your newsletter, please\r\n"
    )
    headers = {"content-type": "message/rfc822"}
    await heed.request("POST", "/api/orgs/acme/inbound", raw.encode(), key=heed.key, headers=headers)
    await heed.work()

    assert (await heed.get("/consents/ada@example.com"))["follow"] == "unknown"


async def test_a_link_by_which_its_author_ends_a_subscription_leads_there_directly(heed: Heed) -> None:
    way_out = "https://lists.example/x?u=7"
    sent = await heed.sent(html=f'<a href="https://shop.example/">Shop</a> <a href="{way_out}">Newsletter abmelden</a>')

    assert len(set(heed.urls("c"))) == 1
    assert f'<a href="{way_out}">' in part(read(heed.mail()), "html")
    message = await heed.get(f"/messages/{sent}")
    assert [each["code"] for each in message["remarks"]] == ["unsubscribe_link"]
