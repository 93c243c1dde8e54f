"""The recipient's page: opening it changes nothing, a stop needs no proof, seeing and erasing need one."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from typing import Literal
from urllib.parse import urlencode

import pytest

from functions.pages.recipient.page import words_in
from lib.languages import LANGUAGES, SpokenLanguage
from lib.lists.filter_rows import FilterRows
from lib.recipient_page.visit_limit import AT_ONCE
from lib.storage.memory import MemoryQueues
from lib.transports.memory import MemoryTransport
from tests.functions.recipient_facing.test_stops import settle, stored
from tests.support.heed import ADMIN_KEY, BASE_URL, GMAIL, Heed, Response

ADA = {"email": "ada@example.com", "name": "Ada"}
BOB = {"email": "bob@example.com", "name": "Bob"}
FORM = "application/x-www-form-urlencoded"
EN = words_in("en")
MULTIPART = (
    b'--frontier\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--frontier--\r\n'
)


@pytest.fixture
async def heed() -> Heed:
    return await Heed().start(
        recipients_page=True, lawful_basis="legitimate_interest", privacy_notice_url="https://acme.example/privacy"
    )


def page_in(raw: bytes) -> str:
    """The path of the page that a mail leads to."""
    text = message_from_bytes(raw, policy=policy.default).get_body(("plain",)).get_content()  # type: ignore[union-attr]
    [token] = re.findall(rf"{BASE_URL}/p/([\w-]+)", text)
    return f"/p/{token}"


async def page_of_mail(heed: Heed, **fields: object) -> str:
    await heed.sent(**{"to": [ADA], **fields})
    return page_in(heed.mail())


async def press(heed: Heed, path: str, **fields: str) -> Response:
    """Press a button of the page."""
    body = urlencode(fields).encode()
    return await heed.request("POST", path, body, headers={"content-type": FORM})


async def proof_path(heed: Heed, page: str, **fields: str) -> str:
    """Ask for a link, and take it out of the mail."""
    before = mails(heed)
    await press(heed, page, action="see", **fields)
    await heed.work()
    assert mails(heed) == before + 1
    return page_in(heed.mail())


def mails(heed: Heed) -> int:
    assert isinstance(heed.transport, MemoryTransport)
    return len(heed.transport.sent)


async def ask_for_consents(heed: Heed) -> None:
    """Follow only those who have said yes from now on."""
    body = {"name": "acme", "settings": {"tracking": "consent", "recipients_page": True, "require_opt_in": False}}
    assert (await heed.request("PUT", "/api/orgs/acme", body, key=ADMIN_KEY)).status == 200


async def says(heed: Heed, email: str) -> str:
    return str((await heed.get(f"/consents/{email}"))["follow"])


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_opening_the_page_changes_nothing(heed: Heed, method: str) -> None:
    page = await page_of_mail(heed)
    proof = await proof_path(heed, page)
    await settle(heed)
    before = await stored(heed)

    answers = [await heed.hit(path, GMAIL, method) for path in (page, f"{page}?lang=de&action=stop", proof)]
    await settle(heed)

    assert [answer.status for answer in answers] == [200, 200, 200]
    assert {place: text for place, text in (await stored(heed)).items() if place[1] != "sweep"} == {
        place: text for place, text in before.items() if place[1] != "sweep"
    }


async def test_a_stop_needs_no_proof_and_holds_for_mail_that_was_sent(heed: Heed) -> None:
    page = await page_of_mail(heed)

    answer = await press(heed, page, action="stop")
    hit = await heed.hit(heed.urls("o")[0], GMAIL)
    await settle(heed)

    assert answer.status == 200
    assert EN.stopped in answer.body.decode()
    assert hit.status == 200
    history = await heed.get("/consents/ada@example.com")
    assert history["follow"] == "do_not_allow"
    assert history["history"][0]["source"] == "the recipient's page"
    assert history["history"][0]["notice"] == "https://acme.example/privacy"
    assert (await heed.get("/messages"))["items"][0]["kpis"]["raw"]["opens"] == 0


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (FORM, b"List-Unsubscribe=One-Click"),
        (f"{FORM}; charset=UTF-8", b"List-Unsubscribe=One-Click&x="),
        ("", b"List-Unsubscribe=One-Click"),
        ("multipart/form-data; boundary=frontier", MULTIPART),
        ('Multipart/Form-Data; boundary="frontier"', MULTIPART),
    ],
)
async def test_a_mail_providers_one_click_is_a_stop(heed: Heed, content_type: str, body: bytes) -> None:
    page = await page_of_mail(heed)

    answer = await heed.request("POST", page, body, headers={"content-type": content_type})

    assert answer.status == 200
    assert await says(heed, "ada@example.com") == "do_not_allow"


async def test_a_stop_comes_before_what_was_planned(heed: Heed) -> None:
    page = await page_of_mail(heed)
    await press(heed, page, action="stop")

    message = await heed.sent(to=[ADA])

    assert (await heed.get(f"/messages/{message}"))["follow_state"]["state"] == "blocked"


async def test_a_mistake_can_be_taken_back_by_the_same_link(heed: Heed) -> None:
    page = await page_of_mail(heed)
    await press(heed, page, action="stop")
    heed.clock.move(minutes=5)

    answer = await press(heed, page, action="allow")

    assert EN.allowed in answer.body.decode()
    assert await says(heed, "ada@example.com") == "allow"


async def test_who_has_a_forwarded_mail_cannot_take_back_a_no_of_long_ago(heed: Heed) -> None:
    page = await page_of_mail(heed)
    await press(heed, page, action="stop")
    heed.clock.move(hours=2)

    answer = await press(heed, page, action="allow")
    await heed.work()

    assert EN.allow_asked_text in answer.body.decode()
    assert await says(heed, "ada@example.com") == "do_not_allow"
    assert (await press(heed, page_in(heed.mail()), action="allow")).status == 200
    assert await says(heed, "ada@example.com") == "allow"


async def test_a_stranger_with_a_forwarded_mail_gives_no_consent(heed: Heed) -> None:
    page = await page_of_mail(heed)

    answer = await press(heed, page, action="allow")

    assert EN.allow_asked_text in answer.body.decode()
    assert await says(heed, "ada@example.com") == "unknown"
    await heed.work()
    proof = page_in(heed.mail())
    assert EN.allow_button in (await heed.hit(proof)).body.decode()
    assert (await press(heed, proof, action="allow")).status == 200
    assert (await heed.get("/consents/ada@example.com"))["history"][0]["basis"] == "consent"


async def test_stopping_and_taking_it_back_makes_no_consent_where_recipients_must_agree(heed: Heed) -> None:
    page = await page_of_mail(heed)
    await ask_for_consents(heed)
    await press(heed, page, action="stop")

    await press(heed, page, action="allow")

    assert await says(heed, "ada@example.com") == "do_not_allow"


async def test_taking_back_a_mistake_brings_back_the_consent_of_before(heed: Heed) -> None:
    await heed.put("/consents/ada@example.com", {"follow": "allow", "basis": "consent", "source": "the fair"})
    page = await page_of_mail(heed)
    await ask_for_consents(heed)
    heed.clock.move(minutes=1)
    await press(heed, page, action="stop")

    await press(heed, page, action="allow")

    assert (await heed.get("/consents/ada@example.com"))["history"][0]["basis"] == "consent"
    assert await says(heed, "ada@example.com") == "allow"


async def test_a_no_that_was_said_elsewhere_just_now_is_not_taken_back_by_the_link_of_a_mail(heed: Heed) -> None:
    page = await page_of_mail(heed)
    await heed.put("/consents/ada@example.com", {"follow": "do_not_allow", "source": "a call"})

    await press(heed, page, action="allow")

    assert await says(heed, "ada@example.com") == "do_not_allow"


async def test_a_no_in_the_crm_is_not_taken_back_by_a_yes_on_the_page(heed: Heed) -> None:
    page = await page_of_mail(heed)
    await heed.put(
        "/records/contact/c1", {"name": "Ada", "emails": ["ada@example.com"], "follow_email": "do_not_allow"}
    )

    await press(heed, page, action="allow")
    message = await heed.sent(to=[ADA])

    assert (await heed.get(f"/messages/{message}"))["follow_state"]["state"] == "blocked"


async def test_the_link_of_a_mail_shows_nothing_of_the_recipient(heed: Heed) -> None:
    page = await page_of_mail(heed, subject="Our offer")
    await heed.hit(heed.urls("o")[0], GMAIL)
    await heed.work()

    for action in ("", "stop", "show", "see", "erase", "erase_all"):
        answer = await (press(heed, page, action=action) if action else heed.hit(page))
        shown = answer.body.decode()
        assert not re.search(r"ada|Our offer|ggpht|Gmail", shown, re.IGNORECASE), action


async def test_what_is_recorded_is_shown_to_who_reads_the_mail_of_the_address(heed: Heed) -> None:
    page = await page_of_mail(heed, subject="Our offer")
    await heed.hit(heed.urls("o")[0], GMAIL, x_forwarded_for="203.0.113.7")
    await heed.hit(heed.urls("c")[0], x_forwarded_for="198.51.100.9")
    await heed.put("/consents/ada@example.com", {"follow": "allow", "basis": "consent", "source": "the fair"})
    await settle(heed)
    proof = await proof_path(heed, page)

    asked_first = (await heed.hit(proof)).body.decode()
    shown = (await press(heed, proof, action="show")).body.decode()

    assert "Our offer" not in asked_first
    for said in (
        "Our offer", EN.kinds["open"], EN.kinds["click"], "https://example.com/a?b=1&amp;c=2", "198.51.100.0/24",
        "Windows", "a person", "Recording allowed", "the fair", "your consent", "Responsible for this is acme",
        "legitimate interest", "https://acme.example/privacy", "4 May 2026, 11:00 UTC", "ada@example.com",
    ):  # fmt: skip
        assert said in shown, said
    assert "bob@example.com" not in shown


async def test_each_of_several_recipients_sees_their_own_part(heed: Heed) -> None:
    await heed.organization("acme", recipients_page=True, mixed_recipients="split")
    await heed.sent(to=[ADA, BOB])
    [of_ada, of_bob] = [page_in(heed.mail(number)) for number in (0, 1)]
    await heed.hit(heed.urls("c", 1)[0])
    await settle(heed)

    bob_sees = (await press(heed, await proof_path(heed, of_bob), action="show")).body.decode()
    ada_sees = (await press(heed, await proof_path(heed, of_ada), action="show")).body.decode()

    assert EN.kinds["click"] in bob_sees
    assert EN.kinds["click"] not in ada_sees
    assert EN.nothing_recorded in ada_sees


async def test_one_copy_to_several_shows_none_of_them_what_may_be_the_others(heed: Heed) -> None:
    page = await page_of_mail(heed, to=[ADA, BOB])
    await heed.hit(heed.urls("c")[0])
    await settle(heed)

    proof = await proof_path(heed, page, email="Bob@Example.com")
    shown = (await press(heed, proof, action="show")).body.decode()

    assert EN.shared in shown
    assert EN.kinds["click"] not in shown
    assert "ada@example.com" not in shown


async def test_mail_of_the_address_that_came_in_is_shown_too(heed: Heed) -> None:
    page = await page_of_mail(heed)
    raw = (
        b"From: Ada <ada@example.com>\r\nTo: rep@acme.example\r\nSubject: My answer\r\nMessage-ID: <a1@example.com>\r\n"
        b"In-Reply-To: " + str(message_from_bytes(heed.mail())["Message-ID"]).encode() + b"\r\n\r\nYes please.\r\n"
    )
    await heed.request("POST", "/api/orgs/acme/inbound", raw, key=heed.key, headers={"content-type": "message/rfc822"})
    await settle(heed)

    shown = (await press(heed, await proof_path(heed, page), action="show")).body.decode()

    assert "My answer" in shown
    assert EN.sent_by_you in shown
    assert EN.kinds["reply"] in shown


async def test_a_link_ends_after_half_an_hour(heed: Heed) -> None:
    proof = await proof_path(heed, await page_of_mail(heed))
    heed.clock.move(minutes=29)
    in_time = await press(heed, proof, action="show")
    heed.clock.move(minutes=2)

    too_late = [await heed.hit(proof), await press(heed, proof, action="show"), await press(heed, proof, action="stop")]

    assert in_time.status == 200
    assert [answer.status for answer in too_late] == [410, 410, 410]
    assert all("ada@" not in answer.body.decode() for answer in too_late)
    assert await says(heed, "ada@example.com") == "unknown"


async def test_the_mail_with_the_link_is_the_senders_and_asks_for_no_auto_reply(heed: Heed) -> None:
    page = await page_of_mail(heed)
    await heed.request(
        "POST", f"{page}?lang=fr", b"action=see", headers={"content-type": FORM, "accept-language": "de"}
    )
    await heed.work()

    mail = message_from_bytes(heed.mail(), policy=policy.default)
    assert mail["From"] == "Rita Rep <rep@acme.example>"
    assert mail["To"] == "ada@example.com"
    assert str(mail["Subject"]).startswith("Votre lien")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert "?lang=fr" in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]


async def test_nobody_can_flood_a_mailbox(heed: Heed) -> None:
    page = await page_of_mail(heed)
    before = mails(heed)

    answers = [await press(heed, page, action="see") for _ in range(8)]
    await heed.work()

    assert {answer.body for answer in answers} == {answers[0].body}
    assert mails(heed) == before + 3
    heed.clock.move(minutes=61)
    await press(heed, page, action="see")
    await heed.work()
    assert mails(heed) == before + 4


async def test_a_link_that_is_used_without_end_costs_a_bounded_number_of_writes(heed: Heed) -> None:
    page = await page_of_mail(heed)
    await settle(heed)
    queues = heed.storage.queues
    assert isinstance(queues, MemoryQueues)

    answers = [await press(heed, page, action=("see", "stop", "allow")[number % 3]) for number in range(300)]

    assert {answer.status for answer in answers} == {200, 429}
    assert {answer.headers["retry-after"] for answer in answers if answer.status == 429} == {"60"}
    assert len(queues.waiting) <= AT_ONCE
    assert len((await heed.get("/consents/ada@example.com"))["history"]) <= AT_ONCE


async def test_no_stranger_can_use_a_link_so_often_that_its_recipient_cannot_stop(heed: Heed) -> None:
    page = await page_of_mail(heed)
    for _ in range(AT_ONCE + 5):
        await press(heed, page, action="see")

    answer = await press(heed, page, **{"List-Unsubscribe": "One-Click"})

    assert (answer.status, EN.stopped in answer.body.decode()) == (200, True)
    assert await says(heed, "ada@example.com") == "do_not_allow"
    before = await stored(heed)
    assert (await press(heed, page, action="stop")).status == 200
    assert await stored(heed) == before


async def test_a_mail_to_several_answers_the_same_for_any_address(heed: Heed) -> None:
    page = await page_of_mail(heed, to=[ADA, BOB])
    await settle(heed)
    before, sent = await stored(heed), mails(heed)

    for action in ("stop", "see", "allow"):
        known = await press(heed, page, action=action, email="ada@example.com")
        unknown = await press(heed, page, action=action, email="eve@example.com")
        assert (known.status, known.body, known.headers) == (unknown.status, unknown.body, unknown.headers)
        assert known.status == 200
    assert {place: text for place, text in (await stored(heed)).items() if "queue" not in place[0]} == before
    assert mails(heed) == sent
    queued = heed.storage.queues
    assert isinstance(queued, MemoryQueues)
    assert "example.com" not in "".join(message.body for message in queued.waiting)


async def test_of_a_mail_to_several_only_its_recipients_are_stopped(heed: Heed) -> None:
    page = await page_of_mail(heed, to=[ADA, BOB])

    await press(heed, page, action="stop", email="BOB@example.com")
    await press(heed, page, action="stop", email="eve@example.com")
    await heed.work()

    assert await says(heed, "bob@example.com") == "do_not_allow"
    assert await says(heed, "ada@example.com") == "unknown"
    assert await says(heed, "eve@example.com") == "unknown"


async def test_a_strangers_address_gets_no_mail_by_the_page_of_a_mail_to_several(heed: Heed) -> None:
    page = await page_of_mail(heed, to=[ADA, BOB])
    before = mails(heed)

    await press(heed, page, action="see", email="eve@example.com")
    await heed.work()

    assert mails(heed) == before


@pytest.mark.parametrize("typed", ["", "ada", "ada@", '"><script>alert(1)</script>', "x" * 5000])
async def test_what_is_no_address_is_asked_for_again(heed: Heed, typed: str) -> None:
    page = await page_of_mail(heed, to=[ADA, BOB])

    answer = await press(heed, page, action="stop", email=typed)

    assert answer.status == 422
    assert EN.address_wrong in answer.body.decode()
    assert "<script" not in answer.body.decode()


async def test_a_one_click_on_a_mail_to_several_is_not_said_to_be_done(heed: Heed) -> None:
    page = await page_of_mail(heed, to=[ADA, BOB])

    answer = await heed.request("POST", page, b"List-Unsubscribe=One-Click", headers={"content-type": FORM})

    assert answer.status == 422


@pytest.mark.parametrize("body", [b"\xff\xfe=1", b"a=1&" * 100, b"x" * 20_000, b"action=unheard-of"])
async def test_a_strange_form_changes_nothing(heed: Heed, body: bytes) -> None:
    page = await page_of_mail(heed)
    before = await stored(heed)

    answer = await heed.request("POST", page, body, headers={"content-type": FORM})

    assert answer.status == 400
    assert await stored(heed) == before


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_what_is_no_token_of_a_page_leads_to_a_plain_page(heed: Heed, method: str) -> None:
    page = await page_of_mail(heed)
    changed = page[:-5] + ("A" if page[-5] != "A" else "B") + page[-4:]
    paths = ["/p/x", changed, heed.urls("c")[0].replace("/c/", "/p/"), "/p/" + "A" * 5000]

    answers = [await heed.request(method, path, b"action=stop", headers={"content-type": FORM}) for path in paths]

    assert [answer.status for answer in answers] == [404] * 4
    assert await says(heed, "ada@example.com") == "unknown"


async def test_a_stop_works_after_the_mail_was_deleted(heed: Heed) -> None:
    page = await page_of_mail(heed)
    await heed.sent(to=[ADA])
    message = (await heed.get("/messages"))["items"][-1]["id"]
    loaded = await heed.services.messages.load("acme", message)
    assert loaded is not None
    await heed.services.messages.delete("acme", loaded)

    answer = await press(heed, page, action="stop")
    hit = await heed.hit(heed.urls("o")[0], GMAIL)
    await settle(heed)

    assert (answer.status, hit.status) == (200, 200)
    assert (await heed.get("/messages"))["items"][0]["kpis"]["raw"]["opens"] == 0


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_language_says_all_of_it(heed: Heed, language: SpokenLanguage) -> None:
    words = words_in(language)
    page = f"{await page_of_mail(heed)}?lang={language}"

    answer = await heed.hit(page, accept_language="nl")
    stopped = await press(heed, page, action="stop")

    assert answer.headers["content-language"] == language
    assert f'<html lang="{language}">' in answer.body.decode()
    assert words.stop_text.split(".")[0] in answer.body.decode().replace("&#39;", "'")
    assert f"<h1>{words.stopped}</h1>" in stopped.body.decode().replace("&#39;", "'")


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("nl,it;q=0.4,fr;q=0.7", "fr"),
        ("es;q=0, it;q=0.1", "it"),
        ("*", "en"),
        ("de;q=x,," + "," * 5000, "en"),
    ],
)
async def test_the_page_speaks_the_language_of_the_browser(heed: Heed, accepted: str, language: str) -> None:
    answer = await heed.hit(await page_of_mail(heed), accept_language=accepted)

    assert answer.headers["content-language"] == language


async def test_the_page_can_be_framed_by_no_one_and_tells_no_one_where_it_is(heed: Heed) -> None:
    answer = await heed.hit(await page_of_mail(heed))

    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["cache-control"] == "no-store"
    policies = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policies
    assert "frame-ancestors 'none'" in policies
    assert "unsafe" not in policies
    assert "<script" not in answer.body.decode()


async def test_neither_tokens_nor_addresses_come_into_the_log(heed: Heed, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    page = await page_of_mail(heed)
    proof = await proof_path(heed, page)
    for action in ("show", "stop", "erase"):
        await press(heed, proof, action=action)
    for _ in range(6):
        await press(heed, page, action="see")
    await heed.work()

    for secret in (page[3:], proof[3:], "ada@example.com"):
        assert secret not in caplog.text


@dataclass
class Job:
    id: str


@dataclass
class Erasing:
    """Notes which addresses are to be erased."""

    begun: list[tuple[str, str, str]] = field(default_factory=list)

    async def begin_job(self, organization: str, kind: Literal["erase"], email: str) -> Job:
        self.begun.append((organization, kind, email))
        return Job("job-1")


async def test_erasing_asks_once_more_and_then_stops_and_erases(heed: Heed) -> None:
    heed.services.erasure = erasing = Erasing()
    proof = await proof_path(heed, await page_of_mail(heed))

    asked = await press(heed, proof, action="erase")
    assert EN.confirm in asked.body.decode()
    assert erasing.begun == []
    done = await press(heed, proof, action="erase_all")

    assert "job-1" in done.body.decode()
    assert erasing.begun == [("acme", "erase", "ada@example.com")]
    assert await says(heed, "ada@example.com") == "do_not_allow"


async def test_without_a_mail_server_no_link_is_promised() -> None:
    heed = await Heed(transport=None).start(recipients_page=True)
    message = await heed.draft(to=[ADA])
    [copy] = (await heed.post(f"/messages/{message}/prepare"))["copies"]
    page = re.findall(rf"{BASE_URL}(/p/[\w-]+)", copy["html"])[0]

    answer = await heed.hit(page)
    asked = await press(heed, page, action="see")

    assert EN.see_without_mail in answer.body.decode()
    assert EN.see_button not in answer.body.decode()
    assert asked.status == 400
    assert (await press(heed, page, action="stop")).status == 200


async def test_after_an_erasure_the_link_shows_nothing_and_a_stop_still_works(heed: Heed) -> None:
    proof = await proof_path(heed, await page_of_mail(heed))
    [listed] = (await heed.get("/messages"))["items"]
    loaded = await heed.services.messages.load("acme", listed["id"])
    assert loaded is not None
    nobody = [each.model_copy(update={"email": "erased@invalid.example"}) for each in loaded.message.to]
    await heed.services.messages.change("acme", loaded.message.model_copy(update={"to": nobody}), loaded.etag)

    shown, stopped = await press(heed, proof, action="show"), await press(heed, proof, action="stop")
    await heed.hit(heed.urls("o", 0)[0], GMAIL)
    await settle(heed)

    assert (shown.status, EN.erased in shown.body.decode()) == (410, True)
    assert stopped.status == 200
    assert (await heed.get("/messages"))["items"][0]["kpis"]["raw"]["opens"] == 0


async def test_a_mail_that_a_crm_was_given_to_send_is_shown_before_it_says_that_it_has(heed: Heed) -> None:
    message = await heed.draft(to=[ADA], subject="Prepared for the CRM")
    await heed.draft(to=[ADA], subject="Only a draft")
    [copy] = (await heed.post(f"/messages/{message}/prepare"))["copies"]
    [click, page] = [re.findall(rf"{BASE_URL}(/{kind}/[\w-]+)", copy["html"])[0] for kind in ("c", "p")]
    await heed.hit(click)
    await settle(heed)

    shown = (await press(heed, await proof_path(heed, page), action="show")).body.decode()

    assert "Prepared for the CRM" in shown
    assert EN.kinds["click"] in shown
    assert "Only a draft" not in shown


@pytest.fixture(params=[True, False], ids=["by the address", "through all mail"])
async def has_index(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether lists have rows by the address yet."""

    async def are_whole(self: FilterRows, organization: str) -> bool:
        return bool(request.param)

    monkeypatch.setattr(FilterRows, "are_whole", are_whole)
    return bool(request.param)


async def test_old_mail_is_found_page_by_page(heed: Heed, monkeypatch: pytest.MonkeyPatch, has_index: bool) -> None:
    monkeypatch.setattr("lib.recipient_page.recorded.MOST_LOOKED_AT", 4)
    monkeypatch.setattr("lib.recipient_page.recorded._AT_ONCE", 2)
    for number in range(3):
        await heed.sent(to=[ADA], subject=f"Offer {number}", follow=number != 1)
        await heed.sent(to=[BOB], subject="To Bob")
        await heed.sent(to=[BOB], subject="To Bob")
    page = await page_of_mail(heed, subject="The newest")
    proof = await proof_path(heed, page)

    place, subjects, pages = "", [], 0
    while place or not pages:
        shown = (await press(heed, proof, action="show", place=place)).body.decode()
        subjects += re.findall(r"<h3>(.*?)</h3>", shown)
        found = re.search(r'name="place" value="(.*?)"', shown)
        place, pages = (found[1] if found else ""), pages + 1

    assert subjects == ["The newest", "Offer 2", "Offer 1", "Offer 0"]
    assert pages == 2 if has_index else pages > 2


async def test_a_received_mail_is_shown_once(heed: Heed, has_index: bool) -> None:
    page = await page_of_mail(heed, subject="An offer")
    mime = (
        "From: ada@example.com\r\nTo: rep@acme.example\r\nSubject: Hello\r\nMessage-ID: <1@example.com>\r\n\r\nHi\r\n"
    )
    await heed.post("/messages/track", {"mime": mime})

    shown = (await press(heed, await proof_path(heed, page), action="show")).body.decode()

    assert sorted(re.findall(r"<h3>(.*?)</h3>", shown)) == ["An offer", "Hello"]


@pytest.mark.parametrize("place", ["received|", "all|x", "|", "x" * 3000, "all|\x00'"])
async def test_a_place_that_someone_made_up_shows_nothing_of_others(heed: Heed, place: str) -> None:
    await heed.sent(to=[BOB], subject="To Bob")
    proof = await proof_path(heed, await page_of_mail(heed))

    answer = await press(heed, proof, action="show", place=place)

    assert answer.status == 200
    assert "To Bob" not in answer.body.decode()


async def test_the_mail_that_one_came_by_is_shown_at_once_however_old_it_is(
    heed: Heed, monkeypatch: pytest.MonkeyPatch, has_index: bool
) -> None:
    monkeypatch.setattr("lib.recipient_page.recorded.MOST_LOOKED_AT", 2)
    monkeypatch.setattr("lib.recipient_page.recorded._AT_ONCE", 2)
    page = await page_of_mail(heed, subject="The old one")
    for _ in range(4):
        heed.clock.move(seconds=1)
        await heed.sent(to=[ADA if has_index else BOB])
    proof = await proof_path(heed, page)

    first = (await press(heed, proof, action="show")).body.decode()
    place = re.findall(r'name="place" value="(.*?)"', first)[0]
    rest = []
    while place:
        rest.append((await press(heed, proof, action="show", place=place)).body.decode())
        place = "".join(re.findall(r'name="place" value="(.*?)"', rest[-1]))

    assert "The old one" in first
    assert not any("The old one" in each for each in rest)
