"""Recipients whom a mail did not reach, by the report of a bounce (RFC 3464) or by the words of one that has none."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from itertools import islice

from lib.inbound.classification import FailedRecipient
from lib.mime.addresses import QUOTED_LOCAL_PART, with_ascii_domain
from lib.mime.received import ReceivedMail
from lib.mime.reports import RecipientStatus, ReportKind, address_in
from lib.people.addresses import same_mailbox

_MOST_FAILURES = 500
_LONGEST_TEXT = 500
_REACH = 1_000
"""Characters after an address in which a server's words about it are looked for."""

_ADDRESS = rf"(?:[^\s<>()\[\]\",;:@*'][^\s<>()\[\]\",;:@*]{{0,63}}+|{QUOTED_LOCAL_PART})@[^\s<>()\[\]\",;:@']{{1,255}}+"
_ANY_ADDRESS = re.compile(_ADDRESS)
_NAMED = re.compile(
    rf"^[ \t*>]{{0,10}}<?({_ADDRESS})>?[ \t]*(?::|\.\.\.|$)"
    rf"|^(?:[45]\d\d )?<({_ADDRESS})>\.\.\."
    r"|\b(?:recipients?|address|rcpt(?:[ -]to)?|deliver(?:ed|ing)?[a-z ]{0,30} to|attempts|message to|mail to)"
    rf"[ \t]*:?[ \t]*<?({_ADDRESS})>?",
    re.IGNORECASE | re.MULTILINE,
)
"""An address alone on its line, before a colon (qmail, Postfix) or dots (sendmail), or after a word for a recipient."""

_COPY = re.compile(
    r"^(?:(?:received|return-path|dkim-signature|x-received|x-google-smtp-source|arc-seal):|"
    r"[-=_| ]{2,80}[^\n]{0,40}\b(?:copy of (?:the|your) message|(?:original|returned|unsent) message|message text)|"
    r"original message follows|message headers? follow|included is a copy)",
    re.IGNORECASE | re.MULTILINE,
)
"""The line at which the returned mail begins."""

_ENHANCED = re.compile(r"(?<![\d.])([45]\.\d{1,3}\.\d{1,3})(?![\d.])")
_SMTP = re.compile(r"(?<![\d.:])([45][0-5]\d)(?=[ \t:-])")
_SOFT = re.compile(
    r"mailbox (?:is )?full|over ?quota|folder is full|quota exceeded|temporar|will (?:keep|continue) (?:trying|to try)|"
    r"still undelivered|delayed|deferred|not yet been delivered|try again later|timed out|connection refused|"
    r"unable to connect|in the queue too long",
    re.IGNORECASE,
)
_NOT_A_RECIPIENT = ("mailer-daemon", "postmaster", "support", "abuse", "noreply", "no-reply")


def reported_failures(mail: ReceivedMail) -> tuple[FailedRecipient, ...]:
    """Return the recipients that the mail's report calls failed or delayed; none where it calls them delivered."""
    report = mail.report
    if report is None or report.kind is not ReportKind.DELIVERY:
        return ()
    failed = [each for each in report.recipients if each.action in ("failed", "delayed") or _is_bad(each)]
    return tuple(_from_status(mail, each, alone=len(failed) == 1) for each in failed)


def told_failures(mail: ReceivedMail, text: str) -> tuple[FailedRecipient, ...]:
    """Return the recipients that the words of a bounce name, one without an address where they name none."""
    copy = _COPY.search(text)
    told = text[: copy.start()] if copy else text
    emails = _failed_headers(mail) or _named(mail, told) or _returned_to(mail) or _any(mail, told)
    places = {email: told.find(email) for email in emails}
    starts = sorted(place for place in places.values() if place >= 0)
    failures: list[FailedRecipient] = []
    for email in emails:
        place = places[email]
        end = next((start for start in starts if start > place), len(told))
        words = told[place + len(email) : min(end, place + _REACH)].lstrip("> :.\n") if place >= 0 else ""
        failures.append(_from_words(email, words if _code(words) else told[:20_000]))
    return tuple(failures) or (_from_words("", told[:20_000]),)


def notified_failures(text: str) -> tuple[FailedRecipient, ...]:
    """Return the recipients of a notification in JSON that Amazon SES sends as mail; none where it is none."""
    start = text.find('{"notificationType":"Bounce"')
    if start < 0:
        return ()
    try:
        found, _ = json.JSONDecoder(strict=False).raw_decode(text, start)
        recipients = found["bounce"]["bouncedRecipients"]
        hard = found["bounce"].get("bounceType") != "Transient"
        return tuple(
            FailedRecipient(
                with_ascii_domain(str(each["emailAddress"])[:320]),
                hard,
                str(each.get("status") or "")[:20] or None,
                _line(str(each.get("diagnosticCode", ""))),
            )
            for each in islice(recipients, _MOST_FAILURES)
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ()


def _is_bad(status: RecipientStatus) -> bool:
    return not status.action and status.status[:1] in ("4", "5")


def _from_status(mail: ReceivedMail, status: RecipientStatus, alone: bool) -> FailedRecipient:
    email = status.email or address_in(status.diagnostic)
    if not email and alone:
        email = next(iter(_failed_headers(mail) or _returned_to(mail)), "")
    code = status.status if status.status[:1] in ("4", "5") else None
    told = _code(status.diagnostic)
    if told and (code is None or (code.endswith(".0.0") and told[0] == code[0] and "." in told)):
        code = told  # `5.0.0` says no more than that it failed
    hard = status.action != "delayed" and (code or "5")[0] == "5"
    return FailedRecipient(email, hard, code, _line(status.diagnostic or (mail.text or "")[:_REACH]), status.others)


def _from_words(email: str, words: str) -> FailedRecipient:
    code = _code(words)
    hard = code[0] == "5" if code else not _SOFT.search(words)
    return FailedRecipient(with_ascii_domain(email), hard, code, _line(words))


def _code(words: str) -> str | None:
    found = _ENHANCED.search(words) or _SMTP.search(words)
    return found[1] if found else None


def _line(words: str) -> str:
    return " ".join(words[: 4 * _LONGEST_TEXT].split())[:_LONGEST_TEXT]


def _failed_headers(mail: ReceivedMail) -> list[str]:
    return _once(_ANY_ADDRESS.findall(mail.header("x-failed-recipients")))


def _named(mail: ReceivedMail, told: str) -> list[str]:
    """Return the addresses that stand where recipients stand; first those that the returned mail went to."""
    own = {same_mailbox(each.email) for each in (*mail.to, *mail.cc, *([mail.sender] if mail.sender else []))}
    recipients = {same_mailbox(each.email) for each in mail.enclosed.to} if mail.enclosed else set()
    found = _once(email for email in _named_in_order(told) if _may_fail(email, own - recipients))
    return [email for email in found if same_mailbox(email) in recipients] or found


def _named_in_order(told: str) -> Iterator[str]:
    for match in islice(_NAMED.finditer(told), _MOST_FAILURES):
        yield next(group for group in match.groups() if group).rstrip(".")


def _may_fail(email: str, own: set[str]) -> bool:
    return same_mailbox(email) not in own and email.partition("@")[0].lower() not in _NOT_A_RECIPIENT


def _returned_to(mail: ReceivedMail) -> list[str]:
    """Return the only recipient of the returned mail."""
    to = mail.enclosed.to if mail.enclosed else ()
    return [to[0].email] if len(to) == 1 else []


def _any(mail: ReceivedMail, told: str) -> list[str]:
    """Return the first address in the text that is not the mail's own."""
    own = {same_mailbox(each.email) for each in (*mail.to, *mail.cc)}
    return list(islice((email for email in _ANY_ADDRESS.findall(told) if _may_fail(email, own)), 1))


def _once(emails: Iterable[str]) -> list[str]:
    return list({same_mailbox(email): email for email in emails}.values())
