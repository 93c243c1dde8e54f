"""Meaning of a mail server's answers (RFC 5321, 4.2; RFC 3463), told without addresses."""

from __future__ import annotations

import re

from aiosmtplib.errors import SMTPResponseException, SMTPSenderRefused

from lib.transports.protocol import RecipientRefusal, Refused

_ADDRESS = re.compile(r"<?[^\s<>@]+@[^\s<>@]+>?")
_STATUS = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})\b")
_PASSING = re.compile(r"\s*5\.4\.5\b|.*SubmissionQuotaExceeded", re.DOTALL)
"""Answers that refuse for good by their first digit, and yet pass: a sender's quota of the day is used up. Gmail says
"550 5.4.5 Daily user sending limit exceeded" (https://support.google.com/a/answer/3726730), Exchange Online "554 5.2.0
STOREDRV.Submission.Exception:SubmissionQuotaExceededException" (MicrosoftDocs/OfficeDocs-Support#1150)."""

_WANTS_LOGIN = (530, 538)
"""Login or encryption is required (RFC 4954, 6; RFC 3207, 4): settings mend that, and no mail has failed by it."""

_LONGEST_READ = 2000
_LONGEST_TOLD = 300


def refused(error: SMTPResponseException) -> Refused:
    """Return the refusal that an answer is; one that makes no sense refuses for now."""
    if not is_refusal(error):
        return Refused(True, "connection", f"The mail server gave an answer that makes no sense ({error.code}).")
    if error.code in _WANTS_LOGIN:
        return Refused(True, "login", f"The mail server wants a login or TLS; it answered {error.code}: {told(error)}")
    passes = _PASSING.match(str(error.message)[:_LONGEST_READ]) is not None
    temporary = error.code < 500 or passes or (error.code == 552 and _status(error) == "5.5.3")
    return Refused(temporary, str(error.code), f"The mail server answered {error.code}: {told(error)}")


def is_refusal(error: SMTPResponseException) -> bool:
    """Whether the server has said no: any other code leaves the outcome unknown (RFC 5321, 4.2.1)."""
    return 400 <= error.code <= 599


def recipient_refused(address: str, refusal: Refused) -> RecipientRefusal:
    """Return the refusal of the whole mail as one of a single recipient."""
    return RecipientRefusal(address, refusal.code, refusal.text, refusal.temporary)


def told(error: SMTPResponseException) -> str:
    """Return the answer's text on one line, with its enhanced status code, at most 300 characters."""
    message = str(error.message)[:_LONGEST_READ].encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    without = _ADDRESS.sub("<address>", message)
    return " ".join("".join(each if each.isprintable() else " " for each in without).split())[:_LONGEST_TOLD]


def is_recipient_limit(error: SMTPResponseException) -> bool:
    """Whether the server takes no more recipients in this transaction (RFC 5321, 4.5.3.1.10; X.5.3 in RFC 3463).

    452 and 552 without an enhanced status code may also mean a full disk or mailbox: the next transaction shows which.
    """
    status = _status(error)
    return status.endswith(".5.3") if status else error.code in (452, 552)


def names_recipient_limit(error: SMTPResponseException) -> bool:
    """Whether the answer can mean nothing else than a limit of recipients."""
    return _status(error).endswith(".5.3") or "too many recipients" in str(error.message).lower()


def is_end_of_session(error: Exception) -> bool:
    """Whether the server has ended the session, for its age perhaps, and a new one may do better (RFC 5321, 3.8).

    Some servers say 451 4.4.2 for that, or refuse another MAIL on the same connection for now.
    """
    if not isinstance(error, SMTPResponseException):
        return True
    wants_no_more = isinstance(error, SMTPSenderRefused) and 400 <= error.code < 500
    return error.code == 421 or not is_refusal(error) or _status(error) == "4.4.2" or wants_no_more


def _status(error: SMTPResponseException) -> str:
    found = _STATUS.match(str(error.message))
    return found[1] if found else ""
