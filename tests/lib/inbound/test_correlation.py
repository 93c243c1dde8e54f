"""A mail that came in finds the message that it answers, by whatever it says of its thread."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.inbound.correlation import Correlation
from lib.messages.models import Body, Correspondent, MailCorrelation, StoredMessage
from lib.mime.parts import Mailbox
from lib.mime.subjects import with_token
from tests.support.heed import Heed
from tests.support.received import ADA, REP, CameIn, Inside

STRANGER = Mailbox("Eve", "eve@elsewhere.example")
UNKNOWN = "<unknown@elsewhere.example>"


@pytest.fixture
async def heed() -> Heed:
    return await Heed().start(inbound={"subject_token": True, "smart_matching": True})


async def internet_id(heed: Heed, message: str) -> str:
    return str((await heed.get(f"/messages/{message}"))["message_id"])


async def correlate(heed: Heed, *, by_person: bool = True, **fields: Any) -> Correlation:
    return await heed.services.correlator.correlate("acme", CameIn(**fields), by_person=by_person)


def shown(found: Correlation) -> tuple[str | None, str, int | None]:
    return found.matched, found.name, found.method


async def store(heed: Heed, message: StoredMessage) -> None:
    """Store a received message, as taking it in does."""
    await heed.services.messages.make("acme", message, Body(text="Hi"))
    await heed.services.threads.enter_message("acme", message)


def received(heed: Heed, number: int, **fields: Any) -> StoredMessage:
    return StoredMessage(
        id=f"{number:032x}",
        state="received",
        created_at=heed.clock.now(),
        message_id=f"<received{number}@example.com>",
        **{"from": "rep1"},
        from_address=Correspondent(email=ADA.email, name=ADA.name),
        to=[{"email": REP.email}],
        **fields,
    )


async def test_in_reply_to_names_the_message(heed: Heed) -> None:
    message = await heed.sent()
    found = await correlate(heed, in_reply_to=[await internet_id(heed, message)])
    assert shown(found) == (message, "in_reply_to", 3)
    assert (found.recipient, found.sender, found.kind_of_persons_mail()) == (0, "recipient", "reply")
    assert found.conversation == message


async def test_every_id_in_in_reply_to_counts(heed: Heed) -> None:
    message = await heed.sent()
    found = await correlate(heed, in_reply_to=[UNKNOWN, await internet_id(heed, message)])
    assert shown(found) == (message, "in_reply_to", 3)


async def test_references_are_read_from_right_to_left(heed: Heed) -> None:
    first, second = await heed.sent(), await heed.sent()
    ids = [await internet_id(heed, first), await internet_id(heed, second)]
    found = await correlate(heed, in_reply_to=[UNKNOWN], references=[*ids, UNKNOWN])
    assert shown(found) == (second, "references", None)


@pytest.mark.parametrize("change", [str.upper, lambda each: each.strip("<>"), lambda each: f" {each} "])
async def test_an_id_is_found_however_it_is_spelled(heed: Heed, change: Any) -> None:
    message = await heed.sent()
    found = await correlate(heed, in_reply_to=[change(await internet_id(heed, message))])
    assert found.matched == message


async def test_the_id_that_a_provider_gave_the_mail_leads_to_it(heed: Heed) -> None:
    message = await heed.sent()
    await heed.services.threads.enter_provider_ids("acme", message, ["<renamed@provider.example>"])
    found = await correlate(heed, in_reply_to=["<renamed@provider.example>"])
    assert shown(found) == (message, "provider_id", None)


async def test_an_answer_that_comes_before_the_message_is_marked_as_sent_finds_it(heed: Heed) -> None:
    message = await heed.draft()
    prepared = await heed.post(f"/messages/{message}/prepare")
    found = await correlate(heed, in_reply_to=[prepared["copies"][0]["headers"]["Message-ID"]])
    assert shown(found) == (message, "in_reply_to", 3)


async def test_the_id_under_which_a_crm_has_sent_the_mail_leads_to_it_and_so_does_the_prepared_one(heed: Heed) -> None:
    message = await heed.draft()
    prepared = await heed.post(f"/messages/{message}/prepare")
    sent = {"message_id": "<crm@exchange.example>", "sent_at": "2026-05-04T09:30:00Z"}
    await heed.post(f"/messages/{message}/sent", sent)
    assert (await correlate(heed, in_reply_to=["<crm@exchange.example>"])).matched == message
    assert (await correlate(heed, references=[prepared["copies"][0]["headers"]["Message-ID"]])).matched == message


async def test_a_draft_that_never_left_matches_nothing(heed: Heed) -> None:
    message = await heed.draft(deliver_at="2026-06-01T08:00:00Z")
    await heed.post(f"/messages/{message}/send")
    found = await correlate(heed, in_reply_to=[await internet_id(heed, message)])
    assert shown(found) == (None, "none", 0)


async def test_a_message_of_another_organization_matches_nothing(heed: Heed) -> None:
    message = await heed.sent()
    await heed.organization("globex")
    mail = CameIn(in_reply_to=[await internet_id(heed, message)], links=[f"https://heed.test{heed.urls('c')[0]}"])
    assert (await heed.services.correlator.correlate("globex", mail)).matched is None


async def test_a_deleted_message_matches_nothing(heed: Heed) -> None:
    message = await heed.draft(deliver_at="2026-06-01T08:00:00Z")
    await heed.post(f"/messages/{message}/send")
    message_id = await internet_id(heed, message)
    assert await heed.services.threads.find_id("acme", message_id)
    assert (await heed.api("DELETE", f"/messages/{message}")).status == 200
    assert await heed.services.threads.find_id("acme", message_id) == []


async def test_the_address_for_replies_leads_to_the_message_whatever_else_the_mail_says(heed: Heed) -> None:
    message, other = await heed.sent(), await heed.sent()
    token = heed.services.ring.mint_for_address("acme", message)
    for address in (f"reply+{token}@in.acme.example", f"Reply+{token.upper()}@in.acme.example"):
        found = await correlate(heed, to=[REP, Mailbox("", address)], in_reply_to=[await internet_id(heed, other)])
        assert shown(found) == (message, "reply_address", None)
    found = await correlate(heed, headers={"delivered-to": f"reply+{token}@in.acme.example"})
    assert found.matched == message


@pytest.mark.parametrize("text", ["reply+@in.acme.example", "reply+{0}x@in", "reply+k1{1}@in.acme.example"])
async def test_an_address_for_replies_that_does_not_open_says_nothing(heed: Heed, text: str) -> None:
    message = await heed.sent()
    token = heed.services.ring.mint_for_address("globex", message)
    found = await correlate(heed, to=[Mailbox("", text.format(token, "a" * 52)), Mailbox("", f"reply+{token}@in")])
    assert found.matched is None


async def test_a_thread_index_of_ours_leads_to_the_newest_message_of_its_thread_with_that_recipient(heed: Heed) -> None:
    message = await heed.sent()
    index = base64.b64encode(b"\x01" + b"\xd9" * 5 + bytes.fromhex(message) + b"child").decode()
    found = await correlate(heed, headers={"thread-index": index})
    assert shown(found) == (message, "thread_index", 5)
    for broken in ("", "AQ==", "not base64", base64.b64encode(b"\x02" + bytes(30)).decode()):
        assert (await correlate(heed, headers={"thread-index": broken})).matched is None


async def test_the_mail_inside_a_bounce_or_a_forward_leads_to_its_message(heed: Heed) -> None:
    message = await heed.sent()
    daemon = Mailbox("", "mailer-daemon@example.com")
    inside = Inside(await internet_id(heed, message))
    found = await correlate(heed, by_person=False, sender=daemon, enclosed=inside)
    assert shown(found) == (message, "enclosed", None)
    assert found.sender is None


@pytest.mark.parametrize("kind", ["c", "o"])
async def test_our_links_and_pixels_in_quoted_mail_lead_to_its_message_and_its_recipient(heed: Heed, kind: str) -> None:
    to = [{"email": ADA.email}, {"email": "bob@example.org"}]
    message = await heed.sent(to=to)
    link = f"https://heed.test{heed.urls(kind)[0]}"
    assert shown(await correlate(heed, links=[link])) == (message, "enclosed", None)
    assert shown(await correlate(heed, enclosed=Inside(links=[link]))) == (message, "enclosed", None)
    claim = heed.services.ring.mint_for_address("acme", message)
    assert (await correlate(heed, links=[f"https://heed.test/c/{claim}"])).matched is None


async def test_a_token_in_the_subject_leads_to_its_message_where_the_organization_has_that_on(heed: Heed) -> None:
    message = await heed.sent()
    subject = f"AW: {with_token('Hello', message)}"
    assert shown(await correlate(heed, subject=subject)) == (message, "subject_token", 4)
    assert shown(await correlate(heed, subject="AW: Hello [#aaaaaaaaaaaaaaaa]", to=[])) == (None, "none", 0)
    off = await Heed().start()
    message = await off.sent()
    assert shown(await correlate(off, subject=f"Re: {with_token('Hello', message)}")) == (None, "none", 0)


async def test_smart_matching_wants_the_same_words_and_two_common_addresses(heed: Heed) -> None:
    message = await heed.sent(subject="Our offer of May")
    assert shown(await correlate(heed, subject="AW: [EXTERN] RE: our Offer of May")) == (message, "smart_match", 6)
    for other in (
        {"subject": "AW: Our offer of June"},
        {"subject": "Our offer of May"},  # it answers nothing
        {"subject": "AW: Our offer of May", "to": [Mailbox("", "else@acme.example")]},
        {"subject": "AW: Our offer of May", "sender": STRANGER, "cc": [ADA]},
        {"subject": "Re: ..."},
    ):
        assert (await correlate(heed, **other)).matched is None, other


async def test_smart_matching_looks_back_90_days(heed: Heed) -> None:
    message = await heed.sent(subject="Our offer of May")
    heed.clock.move(days=89)
    assert (await correlate(heed, subject="Re: Our offer of May")).matched == message
    heed.clock.move(days=2)
    assert (await correlate(heed, subject="Re: Our offer of May")).matched is None
    date = heed.clock.now() - timedelta(days=30)
    assert (await correlate(heed, subject="Re: Our offer of May", date=date)).matched == message


async def test_smart_matching_prefers_the_newest_message_and_trusts_one_word_less(heed: Heed) -> None:
    await heed.sent(subject="Offer")
    newest = await heed.sent(subject="Offer")
    await heed.sent(subject="Offer", to=[{"email": "bob@example.org"}])
    found = await correlate(heed, subject="Re: Offer")
    assert found.matched == newest
    two_words = await heed.sent(subject="Your offer")
    more = await correlate(heed, subject="Re: Your offer")
    assert more.matched == two_words
    assert more.confidence > found.confidence


async def test_smart_matching_is_off_unless_the_organization_wants_it() -> None:
    heed = await Heed().start()
    await heed.sent(subject="Our offer of May")
    assert (await correlate(heed, subject="Re: Our offer of May")).matched is None


@pytest.mark.parametrize(
    ("recipient", "sender"),
    [
        ("ada@example.com", "ADA@Example.COM"),
        ("ada@example.com", "ada+sales@example.com"),
        ("ada.lovelace@gmail.com", "adalovelace@googlemail.com"),
        ("ada@bücher.example", "ada@bücher.example"),
        ("ada@xn--bcher-kva.example", "Ada@Bücher.example"),
    ],
)
async def test_a_recipient_is_known_however_the_address_is_spelled(heed: Heed, recipient: str, sender: str) -> None:
    message = await heed.sent(to=[{"email": "bob@example.org"}, {"email": recipient}])
    found = await correlate(heed, sender=Mailbox("", sender), in_reply_to=[await internet_id(heed, message)])
    assert (found.recipient, found.sender) == (1, "recipient")


async def test_somebody_of_a_recipients_domain_answers_with_less_confidence(heed: Heed) -> None:
    message = await heed.sent(to=[{"email": "bob@example.org"}, {"email": ADA.email}])
    ids = [await internet_id(heed, message)]
    certain = await correlate(heed, in_reply_to=ids)
    found = await correlate(heed, in_reply_to=ids, sender=Mailbox("", "assistant@example.com"))
    assert (found.recipient, found.sender, found.kind_of_persons_mail()) == (1, "same_domain", "reply")
    assert found.confidence < certain.confidence


async def test_a_domain_where_anybody_has_an_address_says_nothing(heed: Heed) -> None:
    message = await heed.sent(to=[{"email": "ada@gmail.com"}])
    found = await correlate(heed, in_reply_to=[await internet_id(heed, message)], sender=Mailbox("", "eve@gmail.com"))
    assert (found.sender, found.recipient, found.kind_of_persons_mail()) == ("stranger", None, "forward")


async def test_a_stranger_who_names_a_known_id_is_a_forwards_and_the_doubt_is_named(heed: Heed) -> None:
    message = await heed.sent()
    found = await correlate(heed, in_reply_to=[await internet_id(heed, message)], sender=STRANGER)
    assert (found.matched, found.sender, found.kind_of_persons_mail()) == (message, "stranger", "forward")
    assert found.confidence <= 0.5
    assert "copied" in found.because


async def test_a_message_to_the_sender_wins_over_a_strangers_id(heed: Heed) -> None:
    others, hers = await heed.sent(to=[{"email": "bob@example.org"}]), await heed.sent()
    ids: dict[str, Any] = {
        "in_reply_to": [await internet_id(heed, others)],
        "references": [await internet_id(heed, hers)],
    }
    found = await correlate(heed, **ids)
    assert shown(found) == (hers, "references", None)


async def test_the_senders_own_mail_in_the_thread_is_no_reply(heed: Heed) -> None:
    message = await heed.sent()
    found = await correlate(heed, sender=REP, to=[ADA], in_reply_to=[await internet_id(heed, message)])
    assert (found.matched, found.sender, found.kind_of_persons_mail()) == (message, "own_side", "new")


async def test_a_colleague_of_the_sender_in_the_thread_is_neither_a_reply_nor_a_forward(heed: Heed) -> None:
    message = await heed.sent()
    colleague = Mailbox("", "boss@acme.example")
    found = await correlate(heed, sender=colleague, to=[ADA], in_reply_to=[await internet_id(heed, message)])
    assert (found.matched, found.sender, found.kind_of_persons_mail()) == (message, "own_side", "new")
    assert found.conversation == message


async def test_the_senders_copy_of_the_mail_itself_is_skipped(heed: Heed) -> None:
    message = await heed.sent()
    found = await correlate(heed, sender=REP, to=[ADA], message_id=await internet_id(heed, message))
    assert shown(found) == (message, "skipped", 1)
    forged = await correlate(heed, message_id=await internet_id(heed, message))
    assert forged.matched is None


async def test_a_mail_that_names_itself_is_no_loop_and_says_so(heed: Heed) -> None:
    message = await heed.sent()
    ids: dict[str, Any] = {"message_id": "<loop@example.com>", "in_reply_to": ["<loop@example.com>"]}
    found = await correlate(heed, **ids, references=[await internet_id(heed, message), "<LOOP@example.com>"])
    assert shown(found) == (message, "references", None)
    assert "names its own Message-ID" in found.because
    assert "names its own Message-ID" in (await correlate(heed, **ids)).because


async def test_an_answer_to_a_received_mail_answers_what_that_one_answered(heed: Heed) -> None:
    message = await heed.sent()
    matched = MailCorrelation(method=3, name="in_reply_to", confidence=0.98, matched=message)
    await store(heed, received(heed, 1, correlation=matched, conversation=message))
    found = await correlate(heed, in_reply_to=["<received1@example.com>"])
    assert shown(found) == (message, "in_reply_to", 3)
    assert found.conversation == message


async def test_an_answer_to_a_received_mail_that_answers_nothing_joins_its_conversation(heed: Heed) -> None:
    await store(heed, received(heed, 1))
    found = await correlate(heed, in_reply_to=["<received1@example.com>"])
    assert (found.matched, found.conversation) == (None, f"{1:032x}")
    assert found.kind_of_persons_mail() == "new"


async def test_the_thread_index_of_a_received_mail_leads_to_later_mail_of_its_thread(heed: Heed) -> None:
    message = await heed.sent()
    root = "01" + "ab" * 21
    matched = MailCorrelation(method=3, name="in_reply_to", confidence=0.98, matched=message)
    await store(heed, received(heed, 1, correlation=matched, conversation=message, thread_root=root))
    found = await correlate(heed, headers={"thread-index": base64.b64encode(bytes.fromhex(root) + b"12345").decode()})
    assert shown(found) == (message, "thread_index", 5)


async def test_a_hostile_number_of_ids_is_read_within_bounds(heed: Heed) -> None:
    message = await heed.sent()
    many = [f"<{number}@elsewhere.example>" for number in range(500)]
    message_id = await internet_id(heed, message)
    for references in ([*many, message_id], [message_id, *many]):
        assert (await correlate(heed, in_reply_to=many, references=references)).matched == message
    assert (await correlate(heed, references=[UNKNOWN, message_id, *many])).matched is None


@given(st.lists(st.sampled_from(["known", "older", UNKNOWN, "<other@elsewhere.example>"]), max_size=30))
@settings(max_examples=15)
async def test_repeating_ids_and_unknown_ones_between_them_change_nothing(order: list[str]) -> None:
    heed = await Heed().start()
    older, known = await heed.sent(), await heed.sent()
    ids = {"known": await internet_id(heed, known), "older": await internet_id(heed, older)}
    found = await correlate(heed, references=[ids.get(each, each) for each in order])
    newest = next((each for each in reversed(order) if each in ids), None)
    assert found.matched == ({"known": known, "older": older}[newest] if newest else None)
    assert await correlate(heed, references=[ids.get(each, each) for each in order for _ in range(2)]) == found


@given(st.data())
@settings(max_examples=25)
async def test_whatever_a_mail_says_it_matches_nothing_by_chance_and_stops_nothing(data: st.DataObject) -> None:
    heed = await Heed().start(inbound={"subject_token": True, "smart_matching": True})
    await heed.sent()
    text = st.text(st.characters(), max_size=40)
    some = st.lists(text, max_size=4)
    boxes = st.lists(
        st.builds(Mailbox, text, st.one_of(text, st.just("reply+@x"), text.map("reply+{}@x".format))), max_size=3
    )
    found = await correlate(
        heed,
        message_id=data.draw(st.none() | text),
        in_reply_to=data.draw(some),
        references=data.draw(some),
        sender=data.draw(st.none() | st.builds(Mailbox, text, text)),
        to=data.draw(boxes),
        subject=data.draw(text),
        headers={"thread-index": data.draw(text), "delivered-to": data.draw(text)},
        enclosed=data.draw(st.none() | st.builds(Inside, st.none() | text, some)),
        links=data.draw(st.lists(text.map("https://heed.test/c/{}".format), max_size=3)),
    )
    assert (found.matched, found.name) == (None, "none")
