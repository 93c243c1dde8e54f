"""Real mails: bounces, auto-replies, complaints, broken ones, and people's. Each ends in a clear outcome."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.inbound.classification import MailKind
from lib.inbound.excerpts import excerpt
from lib.inbound.kinds import classify
from lib.inbound.wording import readable_text
from lib.mime.read import BadMail
from lib.mime.received import read_received
from tests.support.heed import Heed
from tests.support.inbound import post_mail, put_mailbox

SAMPLES = Path(__file__).parents[4] / "shared" / "data" / "mail"
COMPLAINTS = {f"sisimai-arf-{number}" for number in (11, 14, 21, 23)}
AUTO_REPLIES = {"sisimai-arf-26", "sisimai-rfc3834-04"}
NOTICES = {"sisimai-lhost-fml-02"}
"""A mailing list that refuses a mail and says so in words alone."""

BOUNCES_AMONG_OTHERS = {
    "mikel-multi_address_bounce1", "mikel-multi_address_bounce2", "mikel-multipart_report_multiple_status",
    "mikel-raw_email_with_mimepart_without_content_type", "mikel-report_422", "mikel-report_530",
}  # fmt: skip
DELAYED = {
    "mikel-raw_email_with_mimepart_without_content_type", "mikel-report_422", "sisimai-lhost-opensmtpd-06",
    "sisimai-lhost-opensmtpd-15",
}  # fmt: skip
RECIPIENTS = {
    "sisimai-lhost-qmail-05": ("kijitora@example.net", False, "4.4.3"),
    "sisimai-lhost-qmail-18": ("userunknown@libsisimai.net", True, "5.1.1"),
    "sisimai-lhost-gmail-11": ("kijitora@example.com", True, None),
    "sisimai-lhost-exim-51": ("kijitora@example.org", True, "5.1.0"),
    "sisimai-lhost-amazonses-09": ("bounce@simulator.amazonses.com", True, "5.1.1"),
    "sisimai-lhost-office365-11": ("kijitora@cr3.neko.nyaan.jp", True, "5.1.1"),
    "sisimai-lhost-postfix-07": ("kijitora@user.example.or.jp", True, None),
    "sisimai-lhost-x4-01": ("kijitora@example.com", False, None),
    "sisimai-lhost-v5sendmail-02": ("kijitora@neko.example.org", True, "550"),
    "sisimai-rfc3464-38": ("kijitora-nyaan@example.jp", False, None),
    "sisimai-rhost-franceptt-07": ("xxxx@wanadoo.fr", False, "4.0.0"),
    "mikel-report_530": ("edwin@zzzzzzz.com", True, "5.3.0"),
}

pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"the mail samples are not there: {SAMPLES}")


def label(name: str) -> MailKind:
    if name in COMPLAINTS:
        return MailKind.COMPLAINT
    if name in AUTO_REPLIES | NOTICES:
        return MailKind.AUTO_REPLY
    return MailKind.BOUNCE if name.startswith("sisimai-") or name in BOUNCES_AMONG_OTHERS else MailKind.REPLY


def samples() -> dict[str, bytes]:
    return {path.stem: path.read_bytes() for path in sorted(SAMPLES.glob("*.eml"))}


def test_98_percent_of_programs_mail_is_told_from_peoples_and_no_persons_is_called_automatic() -> None:
    kinds = {name: classify(read_received(raw)).kind for name, raw in samples().items()}
    automatic = {name for name in kinds if label(name) is not MailKind.REPLY}
    found = {name for name in automatic if kinds[name] is not MailKind.REPLY}

    assert len(automatic) >= 117
    assert len(found) / len(automatic) >= 0.98, automatic - found
    assert {name for name in kinds.keys() - automatic if kinds[name] is not MailKind.REPLY} == set()
    assert {name for name in found if kinds[name] is not label(name)} == set()


async def test_every_mail_that_comes_in_ends_in_a_clear_outcome() -> None:
    heed = await Heed().start()
    await heed.api("PATCH", "/users/rep1", {"inbound": "all"})
    await put_mailbox(heed, auth="password")
    for name, raw in samples().items():
        answer = await post_mail(heed, raw, "?mailbox=ritas")

        assert answer.status == 202, name
        found = answer.json
        assert found["outcome"] in ("tracked", "duplicate"), name  # some samples have one Message-ID
        assert found["because"], name
        kind = classify(read_received(raw)).kind
        if found["outcome"] == "tracked":
            assert found["kind"] == ("new" if kind is MailKind.REPLY else kind), name  # it answers nothing of ours
        again = await heed.get(f"/inbound/{found['id']}")
        assert (again["outcome"], again["message"]) == ("tracked", found["message"]), name


def test_each_bounce_names_who_was_not_reached() -> None:
    for name, raw in samples().items():
        found = classify(read_received(raw))
        if found.kind is MailKind.BOUNCE:
            assert all("@" in each.email for each in found.failures), name
            assert found.failures, name
            assert name not in DELAYED or not found.failures[0].hard, name


@pytest.mark.parametrize("name", RECIPIENTS)
def test_recipient_code_and_hardness_are_right(name: str) -> None:
    [failure] = classify(read_received((SAMPLES / f"{name}.eml").read_bytes())).failures

    assert (failure.email, failure.hard, failure.code) == RECIPIENTS[name]


def test_a_bounce_tells_which_mail_it_returns() -> None:
    mails = {name: read_received(raw) for name, raw in samples().items() if label(name) is MailKind.BOUNCE}
    known = [name for name, mail in mails.items() if mail.enclosed and mail.enclosed.message_id]

    assert len(known) / len(mails) >= 0.85


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_damage_to_a_mail_raises_nothing_but_bad_mail(data: st.DataObject) -> None:
    mails = list(samples().values())
    raw = bytearray(data.draw(st.sampled_from(mails)))
    for _ in range(data.draw(st.integers(1, 12))):
        _damage(raw, data, mails)

    try:
        mail = read_received(bytes(raw))
    except BadMail:
        return
    assert classify(mail).because
    assert isinstance(excerpt(readable_text(mail)), str)


PIECES = (
    b"\0", b"\r", b"\n", b"\r\n\r\n", b"\xff\xfe", b"=?utf-8?q?", b"?=", b"(", b'"', b"<", b">", b";", b"=", b"--",
    b":", b"\n ", b"@", b"charset=", b"boundary=", b"filename*0*=", b"filename*=x''%ff", b"Date: 99",
    b"Content-Type: message/rfc822\n", b"Content-Type: multipart/report; x", b"Final-Recipient: ;",
    b"Content-Transfer-Encoding: base64\n", b"charset=utf-16", b"charset*0=hz",
)  # fmt: skip


def _damage(raw: bytearray, data: st.DataObject, mails: list[bytes]) -> None:
    """Cut, insert, overwrite or splice, mostly near the beginning, where the headers are."""
    place = min(data.draw(st.one_of(st.integers(0, 2_000), st.integers(0, 40_000))), len(raw))
    match data.draw(st.sampled_from(("cut", "insert", "overwrite", "splice"))):
        case "cut":
            del raw[place : place + data.draw(st.integers(1, 200))]
        case "insert":
            raw[place:place] = data.draw(st.one_of(st.sampled_from(PIECES), st.binary(max_size=20)))
        case "overwrite":
            piece = data.draw(st.sampled_from(PIECES))
            raw[place : place + len(piece)] = piece
        case _:
            other = data.draw(st.sampled_from(mails))
            raw[place:] = other[data.draw(st.integers(0, len(other))) :]
