"""Attachments as a CRM handles them, and what becomes of them in the mail; with all that is hostile about files."""

from __future__ import annotations

import base64
from email import message_from_bytes
from typing import Any

import pytest

from lib.files.models import LARGEST_ATTACHED, LARGEST_FOLLOWED
from lib.transports.memory import MemoryTransport
from tests.support.attachments import EICAR, PDF, SVG, add, blobs, content, parts, send, upload
from tests.support.documents import archive
from tests.support.heed import Heed
from tests.support.pictures import png


async def test_an_attachment_is_described_by_its_bytes_and_listed(heed: Heed) -> None:
    message = await heed.draft()

    made = await add(heed, message, "Angebot für Ada.docx", PDF)

    assert made == {
        "id": made["id"], "filename": "Angebot für Ada.docx", "size": len(PDF), "content_type": "application/pdf",
        "followed": True, "views": 0, "revoked": False, "expires_at": None, "check": [],
    }  # fmt: skip
    assert len(made["id"]) == 32
    assert (await heed.get(f"/messages/{message}/attachments"))["items"] == [made]
    assert (await heed.get(f"/messages/{message}"))["attachments"] == [made]


async def test_followed_ones_become_links_and_the_others_travel_in_the_mail(heed: Heed) -> None:
    message = await heed.draft(html="<html><body><p>Hi</p></body></html>", text="Hi")
    await add(heed, message, "Big <offer> & more.pdf", PDF, followed=True)
    await add(heed, message, "Größe.txt", b"as it was\r\n", followed=False)

    await send(heed, message)

    mail = parts(heed)
    assert content(mail["Größe.txt"]) == b"as it was\r\n"
    assert mail["Größe.txt"].get_content_disposition() == "attachment"
    assert len(mail) == 3
    html, text = content(mail["text/html"]).decode(), content(mail["text/plain"]).decode()
    [path] = {path.split('"')[0] for path in html.split('href="https://heed.test')[1:]}
    assert path.startswith("/a/k1")
    assert path.endswith("/Big%20_offer_%20_%20more.pdf")
    assert "Big _offer_ &amp; more.pdf</bdi></a> (17 B)" in html
    assert html.index("/a/k1") < html.index("/o/k1") < html.index("</body>")
    assert f"Big _offer_ & more.pdf (17 B)\r\nhttps://heed.test{path}" in text


async def test_a_message_that_is_not_followed_holds_every_attachment(heed: Heed) -> None:
    message = await heed.draft(html="<p>Hi</p>", text="Hi")
    await add(heed, message, "a.pdf", b"%PDF-first")
    await add(heed, message, "b.pdf", b"%PDF-second", followed=False)
    await heed.api("PATCH", f"/messages/{message}", {"follow": False})

    await send(heed, message)

    mail = parts(heed)
    assert (content(mail["a.pdf"]), content(mail["b.pdf"])) == (b"%PDF-first", b"%PDF-second")
    assert content(mail["text/html"]) == b"<p>Hi</p>"
    assert b"heed.test" not in heed.mail()


async def test_a_file_of_a_message_that_is_not_followed_cannot_be_followed_and_the_answer_says_why(heed: Heed) -> None:
    message = await heed.draft(follow=False)

    refused = await upload(heed, message, "a.pdf", PDF)
    file = await add(heed, message, "a.pdf", followed=False)
    changed = await heed.api("PATCH", f"/messages/{message}/attachments/{file['id']}", {"followed": True})

    assert [refused.status, changed.status] == [409, 409]
    assert "Following was not asked for." in refused.json["detail"]
    assert refused.json["detail"] == changed.json["detail"]
    assert [each["followed"] for each in (await heed.get(f"/messages/{message}"))["attachments"]] == [False]
    await heed.api("PATCH", f"/messages/{message}", {"follow": True})
    assert (await upload(heed, message, "b.pdf", PDF)).status == 201


async def test_a_recipients_no_keeps_files_from_being_followed(heed: Heed) -> None:
    await heed.put("/consents/ada@example.com", {"follow": "do_not_allow"})
    message = await heed.draft()

    refused = await upload(heed, message, "a.pdf", PDF)
    unfollowed = await add(heed, message, "a.pdf", followed=False)
    changed = await heed.api("PATCH", f"/messages/{message}/attachments/{unfollowed['id']}", {"followed": False})

    assert (refused.status, changed.status) == (409, 200)
    assert "A recipient does not allow following." in refused.json["detail"]


async def test_where_some_recipients_are_followed_a_file_can_be(heed: Heed) -> None:
    heed = await Heed().start(mixed_recipients="split")
    await heed.put("/consents/b@example.com", {"follow": "do_not_allow"})
    message = await heed.draft(cc=[{"email": "b@example.com"}])
    assert (await upload(heed, message, "a.pdf", PDF)).status == 201


async def test_what_no_mail_can_hold_is_refused_when_it_is_to_be_sent_unfollowed(heed: Heed) -> None:
    message = await heed.draft()
    await add(heed, message, "big.pdf", bytes(LARGEST_ATTACHED + 1))
    await heed.api("PATCH", f"/messages/{message}", {"follow": False})

    refused = await heed.api("POST", f"/messages/{message}/send")

    assert refused.status == 422
    assert refused.json["errors"][0]["loc"] == ["attachments"]
    assert "big.pdf" in refused.json["detail"]
    assert (await heed.get(f"/messages/{message}"))["status"] == "draft"


async def test_that_is_refused_too_when_one_of_several_copies_is_not_followed() -> None:
    heed = await Heed().start(mixed_recipients="split")
    await heed.put("/records/contact/c1", {"name": "Bob", "emails": ["b@example.com"], "follow_email": "do_not_allow"})
    bob = {"email": "b@example.com", "record": {"type": "contact", "id": "c1"}}
    message = await heed.draft(cc=[bob])
    await add(heed, message, "big.pdf", bytes(LARGEST_ATTACHED + 1))
    assert (await heed.api("POST", f"/messages/{message}/send")).status == 422


async def test_of_several_copies_each_has_links_of_its_own_or_the_file_itself() -> None:
    heed = await Heed().start(mixed_recipients="split")
    await heed.put("/records/contact/c1", {"name": "Bob", "emails": ["b@example.com"], "follow_email": "do_not_allow"})
    bob = {"email": "b@example.com", "record": {"type": "contact", "id": "c1"}}
    message = await heed.draft(cc=[bob, {"email": "eve@example.com"}])
    await add(heed, message)
    await send(heed, message)
    assert isinstance(heed.transport, MemoryTransport)
    mails = [sent.mime for sent in heed.transport.sent]
    assert len(mails) == 3
    assert sorted(b"Offer.pdf" in mail and b"base64" in mail for mail in mails) == [False, False, True]
    assert sum(b"heed.test/a/" in mail for mail in mails) == 2


async def test_a_mail_that_is_no_longer_followed_when_it_leaves_fails_and_says_why(heed: Heed) -> None:
    message = await heed.draft()
    await add(heed, message, "big.pdf", bytes(LARGEST_ATTACHED + 1))
    await heed.api("POST", f"/messages/{message}/send")
    await heed.api("PATCH", "/users/rep1", {"opt_in": False})
    await heed.work()

    read = await heed.get(f"/messages/{message}")
    assert read["status"] == "failed"
    assert "big.pdf" in read["failure"]["text"]


async def test_a_prepared_mail_holds_the_files_and_the_senders_copy_holds_them_without_links(heed: Heed) -> None:
    message = await heed.draft(text="Hi")
    await add(heed, message, "followed.pdf")
    await add(heed, message, "inside.txt", b"text", followed=False)

    prepared = await heed.post(f"/messages/{message}/prepare")

    assert "/a/k1" in prepared["copies"][0]["html"]
    assert "heed.test" not in prepared["sender_copy"]["html"]
    kept = message_from_bytes(base64.b64decode(prepared["sender_copy"]["mime"]))
    assert {part.get_filename() for part in kept.walk()} == {None, "followed.pdf", "inside.txt"}


async def test_the_senders_copy_names_what_it_cannot_hold(heed: Heed) -> None:
    message = await heed.draft(text="Hi")
    await add(heed, message, "huge.pdf", bytes(LARGEST_ATTACHED + 1))

    kept = (await heed.post(f"/messages/{message}/prepare"))["sender_copy"]

    assert "huge.pdf (20.0 MB)" in kept["text"]
    assert "href" not in kept["html"].partition("huge.pdf")[0][-100:]


@pytest.mark.parametrize("followed", [True, False])
async def test_following_can_change_until_the_message_is_sent(heed: Heed, followed: bool) -> None:
    message = await heed.draft()
    path = f"/messages/{message}/attachments/{(await add(heed, message, followed=followed))['id']}"

    changed = await heed.api("PATCH", path, {"followed": not followed})
    await send(heed, message)
    late = await heed.api("PATCH", path, {"followed": followed})

    assert (changed.status, changed.json["followed"]) == (200, not followed)
    assert late.status == 409
    assert ("Offer.pdf" in parts(heed)) is followed


async def test_a_sent_message_gets_no_files_and_loses_none(heed: Heed) -> None:
    message = await heed.draft()
    path = f"/messages/{message}/attachments/{(await add(heed, message, followed=False))['id']}"
    await send(heed, message)

    assert (await upload(heed, message, "late.pdf", PDF)).status == 409
    assert (await heed.api("DELETE", path)).status == 409
    assert (await heed.api("PUT", path, PDF)).status == 409
    assert (await heed.api("POST", f"/messages/{message}/images?filename=a.png", PDF)).status in (409, 422)
    assert len(blobs(heed)) == 1


async def test_a_followed_file_is_replaced_after_sending_and_the_old_bytes_go(heed: Heed) -> None:
    message = await heed.draft()
    made = await add(heed, message)
    await send(heed, message)
    [before] = blobs(heed)

    path = f"/messages/{message}/attachments/{made['id']}"
    replaced = await heed.api("PUT", f"{path}?filename=better.txt", b"better")

    assert replaced.status == 200
    assert replaced.json == {**made, "filename": "better.txt", "size": 6, "content_type": "text/plain; charset=utf-8"}
    [after] = blobs(heed)
    assert after != before


async def test_a_deleted_attachment_is_gone_with_its_bytes_and_its_number_is_not_given_again(heed: Heed) -> None:
    message = await heed.draft()
    first = await add(heed, message)
    prepared = await heed.post(f"/messages/{message}/prepare")
    link = prepared["copies"][0]["html"].split('href="https://heed.test/a')[1].split('"')[0]

    assert (await heed.api("DELETE", f"/messages/{message}/attachments/{first['id']}")).status == 200
    assert blobs(heed) == []
    await add(heed, message, "other.pdf")

    assert (await heed.hit(f"/a{link}")).status == 410


async def test_deleting_a_message_deletes_its_files(heed: Heed) -> None:
    message = await heed.draft()
    for number in range(3):
        await add(heed, message, f"{number}.pdf")

    assert (await heed.api("DELETE", f"/messages/{message}")).status == 200

    assert blobs(heed) == []
    rows = heed.storage.tables.query("heedacmemessages", message)
    assert [row async for row in rows] == []


async def test_the_same_upload_with_the_same_idempotency_key_is_one_attachment(heed: Heed) -> None:
    message = await heed.draft()
    path = f"/messages/{message}/attachments?filename=a.pdf"
    first = await heed.api("POST", path, PDF, idempotency_key="once")
    again = await heed.api("POST", path, PDF, idempotency_key="once")
    assert (again.status, again.json) == (201, first.json)
    assert len((await heed.get(f"/messages/{message}/attachments"))["items"]) == 1


async def test_a_file_changes_the_messages_etag_in_lists_too(heed: Heed) -> None:
    message = await heed.draft()
    before = (await heed.get(f"/messages/{message}"))["etag"]
    await add(heed, message)
    after = (await heed.get(f"/messages/{message}"))["etag"]
    [listed] = (await heed.get("/messages"))["items"]
    stale = await heed.api("POST", f"/messages/{message}/attachments?filename=b.pdf", PDF, if_match=before)
    assert before != after == listed["etag"]
    assert stale.status == 412


async def test_an_empty_file_is_refused(heed: Heed) -> None:
    message = await heed.draft()
    made = await add(heed, message)
    assert (await upload(heed, message, "a.pdf", b"")).status == 422
    assert (await heed.api("PUT", f"/messages/{message}/attachments/{made['id']}", b"")).status == 422


async def test_without_a_name_a_file_is_refused(heed: Heed) -> None:
    message = await heed.draft()
    answer = await heed.api("POST", f"/messages/{message}/attachments", PDF)
    assert (answer.status, answer.json["errors"][0]["loc"]) == (422, ["query", "filename"])


@pytest.mark.parametrize(("followed", "largest"), [(True, LARGEST_FOLLOWED), (False, LARGEST_ATTACHED)])
async def test_a_file_may_be_as_large_as_the_limit_and_no_larger(heed: Heed, followed: bool, largest: int) -> None:
    message = await heed.draft()
    too_large = await upload(heed, message, "a.bin", bytes(largest + 1), followed=followed)
    assert too_large.status == 413
    # A followed file may be as large as a request: the host itself refuses a larger one, in no words.
    assert too_large.body == b"" if followed else f"{largest:,}" in too_large.json["detail"]
    assert (await upload(heed, message, "a.bin", bytes(largest), followed=followed)).status == 201


async def test_all_that_travels_in_a_mail_has_one_limit_together(heed: Heed) -> None:
    message = await heed.draft()
    await add(heed, message, "a.bin", bytes(LARGEST_ATTACHED - 5), followed=False)
    assert (await upload(heed, message, "b.bin", bytes(6), followed=False)).status == 413
    second = await add(heed, message, "b.bin", bytes(6), followed=True)
    refused = await heed.api("PATCH", f"/messages/{message}/attachments/{second['id']}", {"followed": False})
    assert (refused.status, refused.json["errors"][0]["loc"]) == (422, ["followed"])


async def test_a_message_has_only_so_many_files(heed: Heed) -> None:
    message = await heed.draft()
    for number in range(50):
        await add(heed, message, f"{number}.txt", b"x")
    answer = await upload(heed, message, "one more.txt", b"x")
    assert answer.status == 409
    assert "50" in answer.json["detail"]
    assert len(blobs(heed)) == 50


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("eicar.com", EICAR, "text/plain; charset=utf-8"),
        ("bmw.csv", b"BMW;Audi\n1;2\n", "text/csv; charset=utf-8"),
        (
            "invite.ics",
            b"BEGIN:VCALENDAR\nMETHOD:REQUEST\nEND:VCALENDAR\n",
            "text/calendar; method=REQUEST; charset=utf-8",
        ),
        ("notes.zip", archive("word/notes.txt", "word/more.txt"), "application/zip"),
        ("picture.png", SVG, "application/octet-stream"),
        ("offer.pdf", b"<html><script>alert(1)</script>", "application/octet-stream"),
        ("offer.pdf", b"MZ" + bytes(80), "application/x-msdownload"),
    ],
)
async def test_the_client_does_not_say_what_a_file_is(heed: Heed, name: str, data: bytes, kind: str) -> None:
    message = await heed.draft()
    path = f"/messages/{message}/attachments?filename={name}&followed=false"
    answer = await heed.api("POST", path, data, content_type="text/html")
    assert (answer.status, answer.json["content_type"]) == (201, kind)
    await send(heed, message)
    part = parts(heed)[name]
    assert content(part) == data
    assert " ".join(part["Content-Type"].split()) == f'{kind}; name="{name}"'


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../../etc/passwd", "passwd"),
        ("a\r\nContent-Type: text/html\r\n\r\n<b>.pdf", "html _b_.pdf"),
        ("evil\u202efdp.exe", "evilfdp.exe"),
        ("nul.pdf", "_nul.pdf"),
        ("=?utf-8?q?a=0D=0AX-Evil:_1?=.pdf", "=_utf-8_q_a=0D=0AX-Evil__1_=.pdf"),
        ("x" * 1900 + ".pdf", "x" * 176 + ".pdf"),
        ("日本語.pdf", "日本語.pdf"),
    ],
)
async def test_a_name_is_cleaned_before_it_goes_anywhere(heed: Heed, name: str, kept: str) -> None:
    message = await heed.draft()
    made = await add(heed, message, name, followed=False)
    await send(heed, message)
    assert made["filename"] == kept
    assert kept in parts(heed)
    assert b"X-Evil: 1" not in heed.mail()
    assert all(set(blob) <= set("0123456789abcdef/atchmens") for blob in blobs(heed))


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
async def test_another_organizations_files_are_not_there(heed: Heed, method: str) -> None:
    message = await heed.draft()
    made = await add(heed, message)
    other = await heed.organization("other")
    path = f"/messages/{message}/attachments" + ("" if method in ("GET", "POST") else f"/{made['id']}")
    path += "?filename=a.pdf" if method == "POST" else ""
    body: Any = {"followed": True} if method == "PATCH" else None if method in ("GET", "DELETE") else PDF
    for organization in ("other", "acme"):
        answer = await heed.request(method, f"/api/orgs/{organization}{path}", body, key=other)
        assert answer.status == 404


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_another_messages_attachment_is_not_there(heed: Heed, method: str) -> None:
    made = await add(heed, await heed.draft())
    path = f"/messages/{await heed.draft()}/attachments/{made['id']}"
    body: Any = {"PUT": PDF, "PATCH": {"followed": True}, "DELETE": None}[method]
    assert (await heed.api(method, path, body)).status == 404


async def test_a_key_that_only_reads_adds_nothing(heed: Heed) -> None:
    message = await heed.draft()
    keys = "/api/orgs/acme/keys"
    made = await heed.request("POST", keys, {"scope": "read", "name": "r"}, key="admin-key-of-tests")
    path = f"/api/orgs/acme/messages/{message}/attachments"
    assert (await heed.request("POST", f"{path}?filename=a.pdf", PDF, key=made.json["key"])).status == 403
    assert (await heed.request("GET", path, key=made.json["key"])).status == 200


async def test_an_upload_answers_with_the_version_that_the_message_has_now(heed: Heed) -> None:
    message = await heed.draft()
    path = f"/messages/{message}"
    before = (await heed.get(path))["etag"]

    first = await heed.api("POST", f"{path}/attachments?filename=a.pdf", PDF, if_match=before)
    second = await heed.api("POST", f"{path}/images?filename=a.png", png(), if_match=first.headers["etag"])
    file = f"{path}/attachments/{first.json['id']}"
    third = await heed.api("PUT", file, b"other", if_match=second.headers["etag"])
    fourth = await heed.api("PATCH", file, {"followed": True}, if_match=third.headers["etag"])
    stale = await heed.api("PATCH", path, {"subject": "Old"}, if_match=second.headers["etag"])
    last = await heed.api("PATCH", path, {"subject": "New"}, if_match=fourth.headers["etag"])

    answers = [first, second, third, fourth, stale, last]
    assert [each.status for each in answers] == [201, 201, 200, 200, 412, 200]
