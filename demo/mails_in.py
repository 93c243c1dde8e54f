"""Mail that comes back: answers, automatic replies, and reports of mail servers that it was not delivered."""

from __future__ import annotations

from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, formataddr

from demo.cast import Contact, Seller


def reply(
    contact: Contact, seller: Seller, subject: str, text: str, at: datetime, answers: str | None, number: str
) -> bytes:
    """Write a mail of the contact's; `answers` is the Internet Message-ID that it answers."""
    return _mail(contact, seller, subject, text, at, answers, number).as_bytes()


def automatic_reply(
    contact: Contact, seller: Seller, subject: str, text: str, at: datetime, answers: str, number: str
) -> bytes:
    """Write the reply of a mailbox whose owner is away (RFC 3834)."""
    mail = _mail(contact, seller, subject, text, at, answers, number)
    mail["Auto-Submitted"] = "auto-replied"
    return mail.as_bytes()


def _mail(
    contact: Contact, seller: Seller, subject: str, text: str, at: datetime, answers: str | None, number: str
) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = formataddr((contact.name, contact.email))
    mail["To"] = formataddr((seller.name, seller.email))
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = f"<{number}@{contact.company.domain}>"
    if answers:
        mail["In-Reply-To"] = mail["References"] = answers
    mail["Subject"] = subject
    mail.set_content(f"{text}\n\n{contact.name}\n{contact.title}, {contact.company.name}\n")
    return mail


def bounce(contact: Contact, seller: Seller, subject: str, answers: str, status: str, words: str, number: str) -> bytes:
    """Write a report on a mail that was not delivered (RFC 3464); `status` is its enhanced status code."""
    host = f"mx.{contact.company.domain}"
    return (
        f"From: Mail Delivery System <MAILER-DAEMON@{host}>\nTo: {seller.email}\n"
        f"Subject: Undelivered Mail Returned to Sender\nMessage-ID: <{number}@{host}>\nReturn-Path: <>\n"
        "Auto-Submitted: auto-replied\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="part"\n\n'
        "--part\nContent-Type: text/plain; charset=utf-8\n\n"
        f"Your mail to {contact.email} could not be delivered: {words}\n"
        f"--part\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; {host}\n\n"
        f"Final-Recipient: rfc822; {contact.email}\nAction: failed\nStatus: {status}\n"
        f"Diagnostic-Code: smtp; {words}\n"
        f"--part\nContent-Type: text/rfc822-headers; charset=utf-8\n\nMessage-ID: {answers}\nSubject: {subject}\n"
        f"To: {contact.email}\n--part--\n"
    ).encode()
