"""Reports are read field by field, whatever the program that wrote them left out."""

import pytest

from lib.mime.reports import RecipientStatus, ReportKind, read_report, report_in_text, report_kind

DELIVERY = """Reporting-MTA: dns; mx.example.com
Arrival-Date: Mon, 4 May 2026 09:30:00 +0000

Final-Recipient: rfc822; ada@inside.example
Original-Recipient: rfc822;ada@example.com
Action: Failed
Status: 5.1.1 (unknown)
Diagnostic-Code: smtp; 550 5.1.1 <ada@example.com>:
 User unknown

Final-Recipient: utf-8; bøb@example.com
Action: delayed
Status: 4.4.1
"""


def test_a_report_on_delivery_has_a_row_for_each_recipient() -> None:
    report = read_report(ReportKind.DELIVERY, DELIVERY)

    assert report.fields["reporting-mta"] == "dns; mx.example.com"
    assert report.recipients == (
        RecipientStatus(
            "ada@example.com",
            "failed",
            "5.1.1",
            "550 5.1.1 <ada@example.com>: User unknown",
            ("ada@inside.example",),
        ),
        RecipientStatus("bøb@example.com", "delayed", "4.4.1", ""),
    )


def test_a_recipient_in_the_first_group_is_found() -> None:
    report = read_report(
        ReportKind.DELIVERY, "Reporting-MTA: dns; x\nFinal-Recipient: rfc822;ada@example.com\nAction: failed\n"
    )

    assert [each.email for each in report.recipients] == ["ada@example.com"]


@pytest.mark.parametrize(
    ("fields", "spellings"),
    [
        ("Original-Recipient: rfc822;ada+2Bnews@example.com", ["ada+2Bnews@example.com", "ada+news@example.com"]),
        (
            "Original-Recipient: rfc822;ada+2Bnews@example.com\nFinal-Recipient: rfc822;ada+news@example.com",
            ["ada+2Bnews@example.com", "ada+news@example.com"],
        ),
        ("Final-Recipient: utf-8; ada@b\\x{FC}cher.example", ["ada@xn--bcher-kva.example"]),
        ("Final-Recipient: utf-8; ada@b\\x{D800}\\x{110000}.example", ["ada@b\\x{D800}\\x{110000}.example"]),
        ("Final-Recipient: rfc822; nobody", [""]),
        ('Final-Recipient: rfc822; "o\'neil"@example.com', ['"o\'neil"@example.com']),
        ('Final-Recipient: rfc822;<"ada \\"b\\""@example.com>', ['"ada \\"b\\""@example.com']),
        ('Final-Recipient: rfc822;"Ada B." <ada@example.com>', ["ada@example.com"]),
        ('Final-Recipient: rfc822;"ada@example.com"', ["ada@example.com"]),
    ],
)
def test_every_spelling_of_a_recipient_is_read(fields: str, spellings: list[str]) -> None:
    [found] = read_report(ReportKind.DELIVERY, f"{fields}\nAction: failed\n").recipients
    assert [found.email, *found.others] == spellings


def test_reports_on_reading_and_of_abuse_have_fields_alone() -> None:
    reading = read_report(ReportKind.READING, "Final-Recipient: rfc822;ada@example.com\nDisposition: a/b; displayed\n")

    assert (reading.recipients, reading.fields["disposition"]) == ((), "a/b; displayed")


@pytest.mark.parametrize(
    ("content_type", "kind"),
    [
        ("message/delivery-status", ReportKind.DELIVERY),
        ("message/global-delivery-status", ReportKind.DELIVERY),
        ("message/disposition-notification", ReportKind.READING),
        ("message/feedback-report", ReportKind.ABUSE),
        ("text/plain", None),
        ("message/rfc822", None),
    ],
)
def test_a_part_tells_the_kind_of_report(content_type: str, kind: ReportKind | None) -> None:
    assert report_kind(content_type) is kind


def test_a_report_that_stands_in_a_text_is_found_there() -> None:
    found = report_in_text(f"Sorry.\n\n{DELIVERY}")

    assert found is not None
    assert [each.action for each in found.recipients] == ["failed", "delayed"]
    assert report_in_text("Do you know what Final-Recipient: means?") is None
