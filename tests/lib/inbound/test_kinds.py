"""Programs' mail is told from people's by what programs set, and never by what people's mail has as well."""

from datetime import UTC, datetime

import pytest

from lib.inbound.classification import Classification, FailedRecipient, MailKind
from lib.inbound.kinds import classify
from lib.mime.received import read_received

PERSON = "From: Ada <ada@example.com>\nTo: rep@acme.example\nDate: Mon, 4 May 2026 09:30:00 +0000\n"
DAEMON = "From: Mail Delivery System <MAILER-DAEMON@mx.example.com>\nTo: rep@acme.example\n"


def told(headers: str, body: str = "Hi", sender: str = PERSON) -> Classification:
    return classify(read_received(f"{sender}{headers}\n\n{body}".encode()))


def with_parts(content_type: str, sender: str, words: str, part_type: str, fields: str) -> Classification:
    """Classify a mail of a text and one more part."""
    raw = (
        f"{sender}Content-Type: {content_type}; boundary=b\n\n--b\nContent-Type: text/plain\n\n{words}\n"
        f"--b\nContent-Type: {part_type}\n\n{fields}\n--b--\n"
    )
    return classify(read_received(raw.encode()))


def report(report_type: str, fields: str, sender: str = DAEMON) -> Classification:
    """Classify a mail with a report of this type."""
    kind = f"multipart/report; report-type={report_type}"
    return with_parts(kind, sender, "See below.", f"message/{report_type}", fields)


@pytest.mark.parametrize(
    "headers",
    [
        "Subject: Re: Our offer",
        "Subject: Re: Our offer\nPrecedence: bulk\nList-Id: <list.example.com>",
        "Subject: Re: Our offer\nX-Auto-Response-Suppress: All",
        "Subject: Re: Our offer\nAuto-Submitted: no",
        "Subject: Re: Automatic reply: Our offer\nX-Auto-Response-Suppress: DR, OOF, AutoReply",
        "Subject: Out of office next week",
        "Subject: External out of office next week",
        "Subject: Out of office next week\nX-Auto-Response-Suppress: DR, OOF, AutoReply",
        "Subject: Automatic reply settings\nPrecedence: list",
        "Subject: Absence of the board\nPrecedence: bulk\nList-Id: <list.example.com>",
        "Subject: Undeliverable furniture",
        "Subject: Re: Our offer\nReturn-Path: <>",
        "Subject: Re: Our offer\nX-MS-Exchange-Inbox-Rules-Loop: ada@example.com",
        "Subject: Fwd: Undelivered Mail Returned to Sender",
    ],
)
def test_a_persons_mail_is_a_reply(headers: str) -> None:
    assert told(headers).kind is MailKind.REPLY


def test_a_postmaster_who_writes_is_a_person() -> None:
    assert told("Subject: Re: Our offer", sender="From: postmaster@example.com\n").kind is MailKind.REPLY


def test_a_person_who_sends_a_bounce_along_is_a_person() -> None:
    fields = "Reporting-MTA: dns; x\n\nFinal-Recipient: rfc822;bob@example.com\nAction: failed\nStatus: 5.1.1"
    found = with_parts("multipart/mixed", PERSON, f"Look:\n\n{fields}", "message/delivery-status", fields)

    assert found.kind is MailKind.REPLY


@pytest.mark.parametrize(
    "headers",
    [
        "Auto-Submitted: auto-replied",
        "Auto-Submitted: auto-generated (vacation); owner-email=x",
        "X-Autoreply: yes",
        "X-Autorespond: Re: Our offer",
        "Precedence: auto_reply",
        "Subject: Automatic reply: Our offer\nX-Auto-Response-Suppress: All",
        "Subject: Abwesenheitsnotiz: Angebot\nReturn-Path: <>",
        "Subject: Réponse automatique\nPrecedence: bulk",
        "Subject: =?utf-8?b?6Ieq5YuV6L+U5L+h?=\nReturn-Path: <>",
        "Subject: x\nReturn-Path: <>\nX-Auto-Response-Suppress: All",
        "Subject: [External] Automatic reply: Our offer\nX-Auto-Response-Suppress: All",
        "Subject: EXTERN: Abwesenheitsnotiz: Angebot\nReturn-Path: <>",
        "Subject: *EXT* Out of office\nPrecedence: bulk",
    ],
)
def test_a_programs_answer_is_an_auto_reply(headers: str) -> None:
    assert told(headers).kind is MailKind.AUTO_REPLY


def test_an_auto_reply_tells_when_its_writer_is_back() -> None:
    found = told("Auto-Submitted: auto-replied", "I am out of the office until May 12.")

    assert found.back_at == datetime(2026, 5, 12, tzinfo=UTC)


def test_a_report_on_delivery_tells_each_recipient_hard_or_soft() -> None:
    found = report(
        "delivery-status",
        "Reporting-MTA: dns; x\n\nFinal-Recipient: rfc822;ada@example.com\nAction: failed\nStatus: 5.0.0\n"
        "Diagnostic-Code: smtp; 550 5.1.1 User unknown\n\n"
        "Final-Recipient: rfc822;bob@example.com\nAction: delayed\nStatus: 4.4.1\n\n"
        "Final-Recipient: rfc822;cy@example.com\nAction: relayed\nStatus: 2.0.0\n\n"
        "Final-Recipient: rfc822;di@example.com\nAction: failed\nStatus: 4.2.2\nDiagnostic-Code: smtp; 452 Full\n",
    )

    assert found.kind is MailKind.BOUNCE
    assert [(each.email, each.hard, each.code) for each in found.failures] == [
        ("ada@example.com", True, "5.1.1"), ("bob@example.com", False, "4.4.1"), ("di@example.com", False, "4.2.2"),
    ]  # fmt: skip
    assert found.failures[0].text == "550 5.1.1 User unknown"
    assert "for good for 1 of 3" in found.because


@pytest.mark.parametrize("action", ["delivered", "relayed", "expanded"])
def test_a_report_that_nothing_failed_is_no_bounce(action: str) -> None:
    found = report(
        "delivery-status",
        f"Reporting-MTA: dns; x\n\nFinal-Recipient: rfc822;ada@example.com\nAction: {action}\nStatus: 2.0.0\n",
    )

    assert (found.kind, found.failures) == (MailKind.AUTO_REPLY, ())


@pytest.mark.parametrize(
    ("disposition", "kind"),
    [
        ("manual-action/MDN-sent-manually; displayed", MailKind.READ_RECEIPT),
        ("automatic-action/MDN-sent-automatically; displayed", MailKind.READ_RECEIPT),
        ("manual-action/MDN-sent-manually; displayed/warning", MailKind.READ_RECEIPT),
        ("automatic-action/MDN-sent-automatically; deleted", MailKind.AUTO_REPLY),
        ("automatic-action/MDN-sent-automatically; denied", MailKind.AUTO_REPLY),
    ],
)
def test_a_receipt_is_one_when_the_mail_was_displayed(disposition: str, kind: MailKind) -> None:
    found = report(
        "disposition-notification", f"Final-Recipient: rfc822;ada@example.com\nDisposition: {disposition}\n", PERSON
    )

    assert found.kind is kind


@pytest.mark.parametrize(
    ("feedback", "kind"),
    [
        ("abuse", MailKind.COMPLAINT),
        ("fraud", MailKind.COMPLAINT),
        ("not-spam", MailKind.AUTO_REPLY),
        ("auth-failure", MailKind.AUTO_REPLY),
    ],
)
def test_a_report_of_abuse_is_a_complaint(feedback: str, kind: MailKind) -> None:
    assert report("feedback-report", f"Feedback-Type: {feedback}\nUser-Agent: x\nVersion: 1\n", PERSON).kind is kind


@pytest.mark.parametrize(("method", "kind"), [("REPLY", MailKind.CALENDAR_ANSWER), ("REQUEST", MailKind.REPLY)])
def test_an_answer_to_an_invitation_is_one(method: str, kind: MailKind) -> None:
    assert told(f"Subject: Accepted: Demo\nContent-Type: text/calendar; method={method}").kind is kind


COPY = (
    "From: rep@acme.example\nTo: ada@example.com\nSubject: Our offer\nMessage-ID: <1@acme.example>\n\n"
    "Hello bob@example.com"
)
QUOTA = "This account is over quota."
TOLD = {
    "qmail": (
        "Subject: failure notice",
        "Hi. This is the qmail-send program at mx.\n\n<ada@example.com>:\n192.0.2.5 says no.\n"
        f"Remote host said: 550 5.1.1 Unknown\n\n--- Below this line is a copy of the message.\n\n{COPY}",
        FailedRecipient("ada@example.com", True, "5.1.1", "192.0.2.5 says no. Remote host said: 550 5.1.1 Unknown"),
    ),
    "Postfix": (
        "Subject: Undelivered Mail Returned to Sender",
        "This is the mail system at host mx. For further assistance, please write to <support@example.com>.\n\n"
        "<ada@example.com>: host mx2[192.0.2.9] said: 450 4.2.1 Greylisted",
        FailedRecipient("ada@example.com", False, "4.2.1", "host mx2[192.0.2.9] said: 450 4.2.1 Greylisted"),
    ),
    "Gmail": (
        "Subject: Delivery Status Notification (Failure)\nX-Failed-Recipients: ada@example.com",
        "Delivery to the following recipient failed permanently:\n\n     ada@example.com\n\nThey said: 552 5.2.2 Full",
        FailedRecipient("ada@example.com", True, "5.2.2", "They said: 552 5.2.2 Full"),
    ),
    "Exchange": (
        "Subject: Unzustellbar: Angebot\nX-MS-Exchange-Message-Is-Ndr:",
        "Fehler bei der Zustellung an folgende Empfänger:\n\nada@example.com\nDie Adresse ist unbekannt. #5.1.1#",
        FailedRecipient("ada@example.com", True, "5.1.1", "Die Adresse ist unbekannt. #5.1.1#"),
    ),
    "full, without a code": (
        "Subject: Delivery failure",
        f"Unable to deliver message to <ada@example.com>. {QUOTA}",
        FailedRecipient("ada@example.com", False, None, f"Unable to deliver message to <ada@example.com>. {QUOTA}"),
    ),
    "no address but in the copy": (
        "Subject: Mail delivery failed",
        f"Your mail could not be delivered.\n\n----- Original message -----\n\n{COPY}",
        FailedRecipient("ada@example.com", True, None, "Your mail could not be delivered."),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TOLD)
def test_a_bounce_without_a_report_is_read_by_its_words(name: str) -> None:
    headers, body, failure = TOLD[name]

    found = told(headers, body, DAEMON)

    assert found.kind is MailKind.BOUNCE
    assert found.failures == (failure,)


def test_a_bounce_of_exchange_has_a_sender_and_a_header_of_its_own() -> None:
    found = told(
        "Subject: Unzustellbar: Angebot\nX-MS-Exchange-Message-Is-Ndr:",
        "Fehler bei der Zustellung an folgende Empfänger:\n\nada@example.com\n#550 5.1.1 Unbekannt",
        "From: <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@example.com>\nTo: rep@acme.example\n",
    )

    assert [(each.email, each.code) for each in found.failures] == [("ada@example.com", "5.1.1")]


@pytest.mark.parametrize(
    ("told_address", "email"),
    [
        ("<o'neil@example.com>: 550 5.1.1", "o'neil@example.com"),
        ('<"o\'neil"@example.com>: 550 5.1.1', '"o\'neil"@example.com'),
        ("Your mail to 'ada@example.com' came back.", "ada@example.com"),
    ],
)
def test_words_that_name_an_address_with_quotes_in_it_or_around_it_are_understood(
    told_address: str, email: str
) -> None:
    found = told("Subject: Undeliverable: Our offer", told_address, DAEMON)

    assert [each.email for each in found.failures] == [email]


@pytest.mark.parametrize("tag", ["[EXTERNAL] ", "External: ", "(ext) ", "***SPAM*** "])
def test_a_bounce_that_a_gateway_has_marked_is_one(tag: str) -> None:
    found = told(
        f"Subject: {tag}Undeliverable: Our offer", "<ada@example.com>: 550 5.1.1", "From: postmaster@example.com\n"
    )

    assert [(each.email, each.code) for each in found.failures] == [("ada@example.com", "5.1.1")]


def test_a_bounce_in_html_alone_is_read() -> None:
    found = told(
        "Subject: Undeliverable: Our offer\nContent-Type: text/html; charset=utf-8",
        "<p>Your message couldn't be delivered to<p><a href='mailto:ada@example.com'>ada@example.com</a>"
        "<p>550 5.1.10 Not found",
        DAEMON,
    )

    assert [(each.email, each.code) for each in found.failures] == [("ada@example.com", "5.1.10")]


def test_several_recipients_keep_their_own_words() -> None:
    found = told(
        "Subject: failure notice",
        "<ada@example.com>:\nUser unknown (#5.1.1)\n\n<bob@example.com>:\nMailbox full (#4.2.2)\n",
        DAEMON,
    )

    assert [(each.email, each.hard, each.code) for each in found.failures] == [
        ("ada@example.com", True, "5.1.1"), ("bob@example.com", False, "4.2.2"),
    ]  # fmt: skip


def test_a_notification_of_amazon_ses_is_a_bounce_only_from_amazon() -> None:
    body = (
        '{"notificationType":"Bounce","bounce":{"bounceType":"Transient","bouncedRecipients":'
        '[{"emailAddress":"ada@example.com","status":"4.4.7","diagnosticCode":"smtp; 450 Later"}]}}'
    )
    amazon = told("Subject: AWS Notification Message", body, "From: no-reply@sns.amazonaws.com\n")

    assert amazon.failures == (FailedRecipient("ada@example.com", False, "4.4.7", "smtp; 450 Later"),)
    assert told("Subject: x", body).kind is MailKind.REPLY
    assert (
        told("Subject: x", '{"notificationType":"Bounce","bounce":[]}', "From: x@sns.amazonaws.com\n").kind
        is MailKind.REPLY
    )


def test_the_words_of_a_bounce_name_domains_in_another_script_as_dns_has_them() -> None:
    named = told("Subject: Undelivered Mail", "<ada@bücher.example>: 550 5.1.1 no such user\n", DAEMON)
    notified = told(
        "Subject: x",
        '{"notificationType":"Bounce","bounce":{"bouncedRecipients":[{"emailAddress":"ada@bücher.example"}]}}',
        "From: x@sns.amazonaws.com\n",
    )

    assert [each.email for each in (*named.failures, *notified.failures)] == ["ada@xn--bcher-kva.example"] * 2


def test_other_mail_of_a_mail_server_is_automatic() -> None:
    assert told("Subject: Your quota", "You use 10 % of it.", DAEMON).kind is MailKind.AUTO_REPLY
