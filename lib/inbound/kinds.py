"""The kind of an inbound mail, by the signs that programs set: reports, headers, senders; words beside another sign.

`Precedence: bulk` and `X-Auto-Response-Suppress` are no signs by themselves: people's mail has them too.
"""

from __future__ import annotations

import re
from dataclasses import replace

from lib.inbound.bounces import notified_failures, reported_failures, told_failures
from lib.inbound.classification import Classification, FailedRecipient, MailKind
from lib.inbound.return_dates import return_date
from lib.inbound.wording import AUTO_REPLY_SUBJECT, BOUNCE_SUBJECT, BOUNCE_TEXT, readable_text
from lib.mime.received import ReceivedMail
from lib.mime.reports import ReportKind

__all__ = ["Classification", "FailedRecipient", "MailKind", "classify"]

_DAEMON = re.compile(r"mailer-daemon|mail delivery (?:sub)?system|mail\.delivery\.system|double-bounce", re.IGNORECASE)
_POSTMASTER = re.compile(r"\bpostmaster\b", re.IGNORECASE)
_AUTO_HEADERS = ("x-autoreply", "x-autorespond", "x-autoresponder", "x-mail-autoreply", "x-auto-reply-from")
_BULK = ("bulk", "junk")  # `list` is what mailing lists add to mail of people
_NO_REPLY = re.compile(r"\b(?:no|do-?not)[-_.]?reply\b", re.IGNORECASE)
_NO_COMPLAINTS = ("not-spam", "auth-failure", "virus")


def classify(mail: ReceivedMail) -> Classification:
    """Tell what a mail is. Takes at most some milliseconds for each 100 KB of text."""
    text = readable_text(mail)
    if mail.report is not None and not _is_report(mail):
        mail = replace(mail, report=None)
    return (
        _reported_complaint(mail)
        or _answered_invitation(mail)
        or _reported_reading(mail)
        or _reported_delivery(mail)
        or _told_bounce(mail, text)
        or _auto_reply(mail, text)
        or Classification(MailKind.REPLY, "Nothing says that a program wrote it.")
    )


def _is_report(mail: ReceivedMail) -> bool:
    """Tell whether the report is the mail's own: a person who forwards a bounce sends its parts along."""
    return _server_sign(mail) is not None or _strong_sign(mail) is not None


def _reported_complaint(mail: ReceivedMail) -> Classification | None:
    """Find a report of abuse (RFC 5965), or Hotmail's, which has no fields."""
    report = mail.report
    if report is not None and report.kind is ReportKind.ABUSE:
        kind = report.fields.get("feedback-type", "abuse").lower()
        if kind in _NO_COMPLAINTS:
            return Classification(MailKind.AUTO_REPLY, f"It is a provider's report ({kind}), and no complaint.")
        return Classification(MailKind.COMPLAINT, f"It is a report of abuse ({kind}).")
    sender = mail.sender.email.lower() if mail.sender else ""
    if sender == "staff@hotmail.com" and mail.subject.lower().startswith("complaint about message"):
        return Classification(MailKind.COMPLAINT, "It is a complaint that Outlook.com passes on.")
    return None


def _answered_invitation(mail: ReceivedMail) -> Classification | None:
    if mail.calendar_method == "REPLY":
        return Classification(MailKind.CALENDAR_ANSWER, "It answers an invitation (METHOD:REPLY).")
    return None


def _reported_reading(mail: ReceivedMail) -> Classification | None:
    """Find a report on reading (RFC 8098). Only `displayed` says that a person saw the mail."""
    report = mail.report
    if report is None or report.kind is not ReportKind.READING:
        return None
    disposition = report.fields.get("disposition", "").rpartition(";")[2].partition("/")[0].strip().lower()
    if disposition == "displayed":
        return Classification(MailKind.READ_RECEIPT, "It says that the mail was displayed.")
    return Classification(MailKind.AUTO_REPLY, f"It is a report on reading that says: {disposition[:40] or 'nothing'}.")


def _reported_delivery(mail: ReceivedMail) -> Classification | None:
    report = mail.report
    if report is None or report.kind is not ReportKind.DELIVERY:
        return None
    failures = reported_failures(mail)
    if failures:
        return _bounce("a report on delivery", failures)
    if any(each.action for each in report.recipients):
        return Classification(MailKind.AUTO_REPLY, "It is a report on delivery in which nothing failed.")
    return None  # the report is empty: the words tell


def _told_bounce(mail: ReceivedMail, text: str) -> Classification | None:
    """Find a bounce without a report: a mail server's name or the null sender, and words for a failed delivery."""
    sender = mail.sender.email.lower() if mail.sender else ""
    notified = notified_failures(text) if sender.endswith(".amazonaws.com") else ()
    if notified:
        return _bounce("a provider's notification", notified)
    sign = _server_sign(mail)
    if sign is None:
        return None
    if not (mail.header("x-failed-recipients") or BOUNCE_SUBJECT.match(mail.subject) or _tells_failure(sign, text)):
        return None
    return _bounce(sign, told_failures(mail, text))


def _server_sign(mail: ReceivedMail) -> str | None:
    """Return the sign that a mail server wrote it, in words."""
    sender = mail.header("from")
    if mail.header("x-failed-recipients"):
        return "X-Failed-Recipients"
    if _DAEMON.search(sender):
        return "the sender's name of a mail server"
    if "x-ms-exchange-message-is-ndr" in mail.headers:  # its value is empty
        return "X-MS-Exchange-Message-Is-Ndr"
    if mail.content_type == "multipart/report":
        return "the type multipart/report"
    if _POSTMASTER.search(sender):
        return "the sender postmaster"
    return "the null sender" if mail.return_path == "" else None


def _tells_failure(sign: str, text: str) -> bool:
    """Tell whether the text is a bounce's. A postmaster, and a program with the null sender, write other mail too."""
    return sign not in ("the sender postmaster", "the null sender") and bool(BOUNCE_TEXT.search(text[:20_000]))


def _bounce(sign: str, failures: tuple[FailedRecipient, ...]) -> Classification:
    hard = sum(each.hard for each in failures)
    how = "for good" if hard == len(failures) else "for now" if hard == 0 else f"for good for {hard} of {len(failures)}"
    return Classification(MailKind.BOUNCE, f"It says that delivery failed {how}; told by {sign}.", failures)


def _auto_reply(mail: ReceivedMail, text: str) -> Classification | None:
    sign = _strong_sign(mail) or _weak_signs(mail)
    if sign is None:
        return None
    return Classification(MailKind.AUTO_REPLY, f"A program wrote it; told by {sign}.", back_at=return_date(mail, text))


def _strong_sign(mail: ReceivedMail) -> str | None:
    submitted = mail.header("auto-submitted").partition(";")[0].partition("(")[0].strip().lower()
    if submitted and submitted != "no":  # RFC 3834, 5
        return f"Auto-Submitted: {submitted[:40]}"
    for name in _AUTO_HEADERS:
        if mail.header(name).lower() not in ("", "no", "false"):
            return name
    if mail.header("precedence").lower() in ("auto_reply", "auto-reply"):
        return "Precedence: auto_reply"
    if _DAEMON.search(mail.header("from")):
        return "the sender's name of a mail server"
    return None


def _weak_signs(mail: ReceivedMail) -> str | None:
    """Return two signs that each say little, in words: the subject is one of them, or the null sender."""
    by_subject = bool(AUTO_REPLY_SUBJECT.match(mail.subject))
    others = {
        "the null sender": mail.return_path == "",
        # Absence notes of Exchange have `All`; other values come with mail of people.
        "X-Auto-Response-Suppress": mail.header("x-auto-response-suppress").strip().lower() == "all",
        "X-MS-Exchange-Inbox-Rules-Loop": bool(mail.header("x-ms-exchange-inbox-rules-loop")),
        "Precedence": mail.header("precedence").lower() in _BULK and not mail.header("list-id"),
        "a sender that takes no replies": bool(_NO_REPLY.search(mail.sender.email)) if mail.sender else False,
    }
    found = [name for name, is_there in others.items() if is_there]
    if by_subject and found:
        return f"the subject and {found[0]}"
    if others["the null sender"] and len(found) > 1:
        return f"{found[0]} and {found[1]}"
    return None
