"""Recorded things that the recipient's page shows to who proves to read the mail of the address, and their erasure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from typing import Literal

import pytest

from lib.lists.filter_rows import FilterRows
from tests.functions.recipient_facing.test_stops import settle
from tests.support.heed import BASE_URL, GMAIL, Heed
from tests.support.recipient_page import (
    ADA,
    BOB,
    EN,
    FORM,
    mails,
    page_in,
    page_of_mail,
    press,
    proof_path,
    says,
)


@pytest.fixture
async def heed() -> Heed:
    return await Heed().start(
        recipients_page=True, lawful_basis="legitimate_interest", privacy_notice_url="https://acme.example/privacy"
    )


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


async def test_a_strangers_address_gets_no_mail_by_the_page_of_a_mail_to_several(heed: Heed) -> None:
    page = await page_of_mail(heed, to=[ADA, BOB])
    before = mails(heed)

    await press(heed, page, action="see", email="eve@example.com")
    await heed.work()

    assert mails(heed) == before


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
