"""Export and erasure of what is held about an address: everything is found, and nothing comes back."""

from __future__ import annotations

import json
from email.message import EmailMessage
from typing import Any

import pytest

from lib.privacy.jobs import MOST_FAILURES
from lib.storage import Row, Upsert
from lib.storage.layout import table
from lib.storage.memory import MemoryQueues
from lib.storage.protocols import EVERYTHING
from lib.tokens import Purpose
from lib.tracking.journal import FACTS_ROW, facts_of
from tests.support.heed import ADMIN_KEY, Heed
from tests.support.inbound import post_mail, raw_mail, receive
from tests.support.known_subject import EMAIL, LOCAL_PART, NAME, OTHER, SETTINGS, make_known, run_job
from tests.support.remains import everything_in, remains_of


@pytest.fixture
async def heed() -> Heed:
    """Heed with an organization that keeps all that it may keep."""
    return await Heed().start(**SETTINGS)


async def test_an_erasure_leaves_nothing_of_the_address(heed: Heed) -> None:
    await make_known(heed)
    assert await remains_of(heed.storage, EMAIL)

    job = await run_job(heed, "DELETE")

    assert job["status"] == "done", job
    assert job["report"]["counts"]["messages"] > 0
    assert job["report"]["counts"]["facts"] > 0
    assert await remains_of(heed.storage, EMAIL, LOCAL_PART) == []
    named = [each.split()[:2] for each in await remains_of(heed.storage, NAME)]
    # The record is the CRM's own, and so is its name, which the roll-up of its engagement shows.
    assert named == [["heedacmeindex", "records|engaged"], ["heedacmepeople", "record|contact"]]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_no_line_of_the_log_names_the_address_of_a_job(
    heed: Heed, caplog: pytest.LogCaptureFixture, method: str
) -> None:
    await make_known(heed)
    with caplog.at_level("DEBUG"):
        job = await run_job(heed, method)

    assert job["status"] == "done"
    assert LOCAL_PART not in caplog.text.lower()


async def test_a_record_that_cannot_be_read_is_erased_as_a_text_and_comes_into_no_log(
    heed: Heed, caplog: pytest.LogCaptureFixture
) -> None:
    await make_known(heed)
    await spoil_row(heed, "people", "record|contact", "broken")

    with caplog.at_level("DEBUG"):
        job = await run_job(heed, "DELETE")

    assert job["status"] == "done"
    assert "the row of a StoredRecord cannot be read: follow_email (literal_error)" in caplog.text
    assert LOCAL_PART not in caplog.text.lower()
    assert await remains_of(heed.storage, EMAIL, LOCAL_PART) == []


async def test_a_message_that_cannot_be_read_fails_the_job_and_comes_into_no_log(
    heed: Heed, caplog: pytest.LogCaptureFixture
) -> None:
    await spoil_row(heed, "messages", "0" * 32, "m")
    job = (await heed.api("DELETE", f"/subjects/{EMAIL}")).json["job"]

    with caplog.at_level("DEBUG"):
        for _ in range(MOST_FAILURES):
            await heed.work()
            heed.clock.move(minutes=1)

    read = await heed.get(f"/jobs/{job}")
    assert read["status"] == "failed"
    assert "the log says why" in read["report"]["notes"][0]
    assert "UnreadableRow" in caplog.text
    assert LOCAL_PART not in caplog.text.lower()


async def spoil_row(heed: Heed, kind: str, partition: str, key: str) -> None:
    """Put a row that names the address and is of no form."""
    row = Row(partition, key, {"v": 1, "d0": json.dumps({"emails": [EMAIL], "follow_email": EMAIL})})
    await heed.storage.tables.write_rows(table("acme", kind), [Upsert(row)])


async def test_an_erasure_with_sent_mail_removes_what_went_to_the_address_alone(heed: Heed) -> None:
    known = await make_known(heed)

    await run_job(heed, "DELETE", "?also_sent_mail=true")

    assert (await heed.api("GET", f"/messages/{known['alone']}")).status == 404
    assert (await heed.api("GET", f"/messages/{known['large']}")).status == 404
    assert (await heed.get(f"/messages/{known['both']}"))["to"][1]["email"] == OTHER
    assert await remains_of(heed.storage, EMAIL, LOCAL_PART) == []
    left = {each.split()[0] for each in await remains_of(heed.storage, known["alone"])}
    assert not left & {"heedacmemessages", "heedacmefacts", "heedacmecards", "heedacmethreads", "blob"}


async def test_a_card_that_tells_of_the_recipient_by_name_alone_goes_too(heed: Heed) -> None:
    reminder = {"title": f"Call {NAME}", "condition": "always", "at": "2026-05-04T11:00:00Z"}
    await heed.sent(to=[{"email": EMAIL, "name": NAME}, {"email": OTHER}], reminder=reminder)
    heed.clock.move(minutes=5)
    await heed.tick("remind")
    await heed.work()
    [card] = (await heed.get("/cards", x_heed_user="rep1"))["items"]

    job = await run_job(heed, "DELETE")

    assert (card["title"], card["recipient"]) == (f"Call {NAME}", None)
    assert (await heed.get("/cards", x_heed_user="rep1"))["items"] == []
    assert job["report"]["counts"]["cards"] == 1


async def test_sent_mail_keeps_its_text_and_loses_what_the_recipient_did(heed: Heed) -> None:
    known = await make_known(heed)
    assert (await heed.get(f"/messages/{known['alone']}"))["kpis"]["raw"]["opens"] > 0

    await run_job(heed, "DELETE")

    message = await heed.get(f"/messages/{known['alone']}")
    assert message["subject"] == "Offer"
    assert "<p>Hi <a href" in message["html"]
    assert message["kpis"]["raw"] == {"opens": 0, "clicks": 0, "attachment_views": 0}
    assert message["kpis"]["replies"] == 0
    assert (await heed.get(f"/messages/{known['alone']}/timeline"))["items"] == []
    record = await heed.get("/records/contact/q1")
    assert record["emails"] == ["work@other.example"]
    assert record["engagement"]["opens"] == record["engagement"]["clicks"] == record["engagement"]["replies"] == 0


async def test_what_others_did_with_the_same_mail_stays(heed: Heed) -> None:
    known = await make_known(heed)
    before = (await heed.get(f"/messages/{known['both']}/timeline"))["items"]
    assert {event["recipient"] for event in before} == {EMAIL, OTHER}

    await run_job(heed, "DELETE")

    after = (await heed.get(f"/messages/{known['both']}/timeline"))["items"]
    assert after == [event for event in before if event["recipient"] == OTHER]
    assert after


async def test_a_bounce_of_the_subjects_goes_from_the_journal_too(heed: Heed) -> None:
    known = await make_known(heed)

    async def in_journal() -> set[tuple[str, int | None]]:
        rows = heed.storage.tables.query("heedacmejournal", EVERYTHING)
        facts = [fact async for row in rows if row.key == FACTS_ROW for fact in facts_of(row)]
        return {(fact.kind, fact.recipient) for fact in facts if fact.message == known["both"]}

    assert await in_journal() >= {("bounce", 0), ("open", 0), ("open", 1)}
    await run_job(heed, "DELETE")

    assert {recipient for _, recipient in await in_journal()} == {1}


async def test_mail_of_others_that_names_the_address_in_an_encoded_part_is_not_kept_as_it_came(heed: Heed) -> None:
    await heed.api("PATCH", "/users/rep1", {"inbound": "all"})
    inner = raw_mail("See there.", f"Bob <{OTHER}>", number=3)
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = f"Bob <{OTHER}>", "rep@acme.example", "As a file"
    mail["Date"], mail["Message-ID"] = "Mon, 04 May 2026 09:20:00 +0000", "<enclosing@example.com>"
    mail.set_content("Look at the file.")
    mail.add_attachment(inner + EMAIL.encode(), maintype="application", subtype="octet-stream", filename="mail.eml")
    taken = await receive(heed, mail.as_bytes())
    bob = await run_job(heed, "GET", email=OTHER)

    exported = await run_job(heed, "GET")
    result = await heed.get(f"/jobs/{exported['id']}/result")
    assert [entry["blob"].split("/")[1] for entry in result["entries"] if "blob" in entry] == [taken["message"]]
    await run_job(heed, "DELETE")

    assert not [each for each in await everything_in(heed.storage) if each.startswith("blob inbound/")]
    of_bob = (await heed.get(f"/jobs/{bob['id']}/result"))["entries"]
    assert [entry["mail"] for entry in of_bob if entry.get("message") == taken["message"]] == [None]
    assert (await heed.get(f"/messages/{taken['message']}"))["subject"] == "As a file"


async def test_an_address_at_the_beginning_of_a_line_is_found(heed: Heed) -> None:
    message = await heed.sent(text=f"Regards,\n{EMAIL}", html=f"<p>Regards,\n{EMAIL}</p>", to=[{"email": OTHER}])

    await run_job(heed, "DELETE")

    assert await remains_of(heed.storage, EMAIL, LOCAL_PART) == []
    assert (await heed.get(f"/messages/{message}"))["html"] == "<p>Regards,\n[erased]</p>"


async def test_mail_that_was_not_sent_does_not_go_to_the_address(heed: Heed) -> None:
    known = await make_known(heed)

    await run_job(heed, "DELETE")

    assert (await heed.api("GET", f"/messages/{known['draft']}")).status == 404
    assert (await heed.api("GET", f"/messages/{known['scheduled']}")).status == 404
    assert [each["email"] for each in (await heed.get(f"/messages/{known['mixed']}"))["to"]] == [OTHER]


async def test_neither_late_hits_nor_replays_bring_anything_back(heed: Heed) -> None:
    known = await make_known(heed)
    links = heed.urls("c", 0) + heed.urls("o", 0)
    journal = [row async for row in heed.storage.tables.query("heedacmejournal", EVERYTHING)]
    bodies = [
        json.dumps({"v": 1, "org": "acme", "commits": [], "facts": json.loads(str(row.values["f0"]))})
        for row in journal
        if "f0" in row.values
    ]
    await run_job(heed, "DELETE")

    for body in bodies:
        await heed.storage.queues.send("interactions", body)
    for link in links:
        await heed.hit(link)
    await heed.work()
    heed.clock.move(hours=2)
    await heed.tick("sweep_journal")
    await heed.work()

    message = await heed.get(f"/messages/{known['alone']}")
    assert message["kpis"]["raw"] == {"opens": 0, "clicks": 0, "attachment_views": 0}
    assert message["kpis"]["replies"] == 0
    assert [row async for row in heed.storage.tables.query("heedacmefacts", known["alone"])] == []
    assert await remains_of(heed.storage, EMAIL, LOCAL_PART) == []


async def test_a_restored_message_gets_none_of_the_erased_events_back(heed: Heed) -> None:
    known = await make_known(heed)
    name = "heedacmemessages"
    messages = [row async for row in heed.storage.tables.query(name, known["alone"])]
    facts = [row async for row in heed.storage.tables.query("heedacmefacts", known["alone"])]
    await run_job(heed, "DELETE")
    for row in messages:
        await heed.storage.tables.write_rows(name, [Upsert(Row(row.partition, row.key, row.values))])
    for row in facts:
        await heed.storage.tables.write_rows("heedacmefacts", [Upsert(Row(row.partition, row.key, row.values))])

    await heed.api("POST", f"/messages/{known['alone']}/reassess")

    message = await heed.get(f"/messages/{known['alone']}")
    assert message["kpis"]["raw"] == {"opens": 0, "clicks": 0, "attachment_views": 0}
    assert [row async for row in heed.storage.tables.query("heedacmefacts", known["alone"])] == []


async def test_mail_of_before_the_erasure_is_not_taken_in_again_and_new_mail_is(heed: Heed) -> None:
    await heed.api("PATCH", "/users/rep1", {"inbound": "all"})
    await make_known(heed)
    await run_job(heed, "DELETE")

    old = await post_mail(heed, raw_mail("Old", f"{NAME} <{EMAIL}>", number=7, subject="Before"))
    by_hand = await heed.api("POST", "/messages/track", {"mime": raw_mail("Old", EMAIL, number=8).decode()})

    assert (old.json["outcome"], old.json["because"]) == ("ignored", "Its writer was erased after it was written.")
    assert by_hand.status == 409
    assert await remains_of(heed.storage, EMAIL, LOCAL_PART) == []
    heed.clock.move(days=3)
    new = raw_mail("New", EMAIL, number=9, subject="After").replace(b"Mon, 04 May 2026", b"Wed, 06 May 2026")
    assert (await post_mail(heed, new)).json["outcome"] == "tracked"


async def test_a_no_outlives_its_history(heed: Heed) -> None:
    await heed.put(f"/consents/{EMAIL}", {"follow": "do_not_allow", "source": "a call"})
    await run_job(heed, "DELETE")
    message = await heed.sent(to=[{"email": EMAIL}])

    for path in heed.urls("o"):
        await heed.hit(path)
    await heed.work()

    assert (await heed.get(f"/consents/{EMAIL}"))["history"] == []
    assert (await heed.get(f"/messages/{message}"))["kpis"]["raw"]["opens"] == 0


async def test_an_export_holds_all_of_it_and_nothing_of_other_recipients(heed: Heed) -> None:
    known = await make_known(heed)
    hidden = await heed.sent(to=[{"email": EMAIL}], bcc=[{"email": "hidden@example.com"}])

    job = await run_job(heed, "GET")
    result = await heed.get(f"/jobs/{job['id']}/result")

    assert job["status"] == "done"
    assert result["email"] == EMAIL
    entries: dict[str, Any] = {entry["message"]: entry for entry in result["entries"] if "message" in entry}
    assert entries.keys() > {*known.values(), hidden}  # and the report that came back
    kinds = {event["kind"] for event in entries[known["alone"]]["events"]}
    assert {"open", "click", "reply"} <= kinds
    assert entries[known["alone"]]["events"][0]["verdict"] in ("human", "machine", "uncertain")
    assert EMAIL in entries[known["large"]]["body"]["html"]
    assert entries[known["reply"]]["mail"]
    assert {event["recipient"] for event in entries[known["both"]]["events"]} == {0}
    assert "hidden@example.com" not in json.dumps(result)
    tables = {entry["table"] for entry in result["entries"] if "table" in entry}
    assert tables >= {"people", "index", "cards", "threads", "journal"}
    consents = [entry for entry in result["entries"] if entry.get("partition", "").startswith("consent|")]
    assert consents[0]["content"]["source"] == "a form"


async def test_an_export_shows_the_headers_of_the_recipients_requests_and_a_timeline_does_not(heed: Heed) -> None:
    message = await heed.sent(to=[{"email": EMAIL}])
    sent = {"accept": "image/avif", "sec_fetch_dest": "image", "sec_ch_ua": '"Chromium";v="142"'}
    await heed.hit(heed.urls("o")[0], referer="https://ada@webmail.example.org/inbox", **sent)
    await heed.work()

    job = await run_job(heed, "GET")
    result = await heed.get(f"/jobs/{job['id']}/result")

    [event] = next(entry["events"] for entry in result["entries"] if entry.get("message") == message)
    assert event["headers"] == {
        "accept": "image/avif",
        "sec-fetch-dest": "image",
        "sec-ch-ua": '"Chromium";v="142"',
        "referer": "webmail.example.org",
    }
    assert "webmail" not in json.dumps(await heed.get(f"/messages/{message}/timeline"))


@pytest.mark.parametrize("said_by", ["the address", "a record"])
async def test_mail_after_an_erasure_is_not_followed_where_a_no_was_said_before(heed: Heed, said_by: str) -> None:
    if said_by == "the address":
        await heed.put(f"/consents/{EMAIL}", {"follow": "do_not_allow", "source": "a call"})
    else:
        await heed.put("/records/contact/q1", {"emails": [EMAIL], "follow_email": "do_not_allow"})
    await run_job(heed, "DELETE")

    message = await heed.sent(to=[{"email": EMAIL}])

    assert (await heed.get(f"/messages/{message}"))["follow_state"]["state"] == "blocked"
    assert heed.urls("o") == []
    assert (await heed.get(f"/consents/{EMAIL}"))["follow"] == "do_not_allow"
    await heed.put(f"/consents/{EMAIL}", {"follow": "allow", "source": "a form"})
    message = await heed.sent(to=[{"email": EMAIL}])
    assert (await heed.get(f"/messages/{message}"))["follow_state"]["state"] == "on"


async def test_every_row_that_names_the_address_is_in_the_export(heed: Heed) -> None:
    await make_known(heed)
    before = await remains_of(heed.storage, EMAIL)

    job = await run_job(heed, "GET")
    result = await heed.get(f"/jobs/{job['id']}/result")

    listed = {(entry["table"], entry["partition"], entry["key"]) for entry in result["entries"] if "table" in entry}
    messages = {entry["message"] for entry in result["entries"] if "message" in entry}
    for each in before:
        if each.startswith(("heedacmemessages ", "blob ")):
            assert any(message in each for message in messages), each[:200]
        else:
            assert any(f"heedacme{kind} {partition} {key} " in each for kind, partition, key in listed), each[:200]


async def test_the_result_of_an_export_can_be_read_for_seven_days(heed: Heed) -> None:
    await make_known(heed)
    job = await run_job(heed, "GET")
    heed.clock.move(days=6)
    await heed.tick("tidy_jobs")
    assert (await heed.api("GET", f"/jobs/{job['id']}/result")).status == 200

    heed.clock.move(days=1, minutes=1)

    assert (await heed.api("GET", f"/jobs/{job['id']}/result")).status == 404
    await heed.tick("tidy_jobs")
    assert not [each for each in await everything_in(heed.storage) if each.startswith("blob jobs/")]
    assert (await heed.get(f"/jobs/{job['id']}"))["result"] is None


async def test_an_erasure_takes_earlier_exports_of_the_address_with_it(heed: Heed) -> None:
    await make_known(heed)
    done = await run_job(heed, "GET")
    waiting = (await heed.api("GET", f"/subjects/{EMAIL}")).json["job"]
    queues = heed.storage.queues
    assert isinstance(queues, MemoryQueues)
    assert queues.take_message("jobs")

    await run_job(heed, "DELETE")

    assert (await heed.api("GET", f"/jobs/{done['id']}/result")).status == 404
    assert (await heed.get(f"/jobs/{waiting}"))["status"] == "failed"
    assert await remains_of(heed.storage, EMAIL, LOCAL_PART) == []


async def test_asking_again_while_a_job_is_open_begins_no_other(heed: Heed) -> None:
    first = (await heed.api("DELETE", f"/subjects/{EMAIL}")).json["job"]

    assert (await heed.api("DELETE", f"/subjects/{EMAIL.upper()}")).json["job"] == first
    await heed.work()
    assert (await heed.api("DELETE", f"/subjects/{EMAIL}")).json["job"] != first


async def test_a_job_whose_queue_message_is_lost_is_found_by_the_timer(heed: Heed) -> None:
    await make_known(heed)
    job = (await heed.api("DELETE", f"/subjects/{EMAIL}")).json["job"]
    queues = heed.storage.queues
    assert isinstance(queues, MemoryQueues)
    while queues.take_message("jobs"):
        pass
    await heed.tick("tidy_jobs")
    assert await heed.work("jobs") == 0

    heed.clock.move(minutes=4)
    await heed.tick("tidy_jobs")
    await heed.work()

    assert (await heed.get(f"/jobs/{job}"))["status"] == "done"
    assert await remains_of(heed.storage, EMAIL, LOCAL_PART) == []


async def test_a_job_goes_on_piece_by_piece(heed: Heed) -> None:
    await make_known(heed)
    heed.services.subject_jobs.rows_of_a_piece = 10

    job = await run_job(heed, "DELETE")
    exported = await run_job(heed, "GET", email=OTHER)

    assert job["status"] == exported["status"] == "done"
    assert await remains_of(heed.storage, EMAIL, LOCAL_PART) == []
    result = await heed.get(f"/jobs/{exported['id']}/result")
    assert len([entry for entry in result["entries"] if "message" in entry]) == 2


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_keys_that_may_only_read_or_bring_mail_may_do_neither(heed: Heed, method: str) -> None:
    for scope in ("read", "inbound"):
        made = await heed.request("POST", "/api/orgs/acme/keys", {"scope": scope}, key=ADMIN_KEY)
        answer = await heed.request(method, f"/api/orgs/acme/subjects/{EMAIL}", key=made.json["key"])
        assert answer.status == 403


async def test_another_organization_sees_no_job(heed: Heed) -> None:
    job = (await run_job(heed, "GET"))["id"]
    key = await heed.organization("other")

    for path in (f"/api/orgs/acme/jobs/{job}", f"/api/orgs/acme/jobs/{job}/result", f"/api/orgs/other/jobs/{job}"):
        assert (await heed.request("GET", path, key=key)).status == 404


async def test_a_job_keeps_the_address_sealed_and_only_until_it_is_done(heed: Heed) -> None:
    job = (await heed.api("GET", f"/subjects/{EMAIL}")).json["job"]

    found = await heed.services.subject_jobs.load_job("acme", job)
    assert found is not None
    assert heed.services.ring.unseal(Purpose.SUBJECT, found.sealed or "") == EMAIL.encode()
    assert await remains_of(heed.storage, EMAIL, LOCAL_PART) == []
    await heed.work()
    found = await heed.services.subject_jobs.load_job("acme", job)
    assert found is not None
    assert found.sealed is None


async def test_an_address_that_is_none_is_refused(heed: Heed) -> None:
    assert (await heed.api("DELETE", "/subjects/nobody")).status == 422
    assert (await heed.api("GET", "/jobs/nothing")).status == 404
