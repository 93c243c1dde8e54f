"""Names of files that look sensitive, in several languages, and ordinary names that do not."""

from __future__ import annotations

import pytest

from lib.files.sensitive_names import looks_sensitive


@pytest.mark.parametrize(
    "name",
    [
        "Contract.pdf",
        "employment_contract_v2.docx",
        "Arbeitsvertrag Müller.pdf",
        "Verträge 2026.zip",
        "payslip-2026-05.pdf",
        "PaySlip.pdf",
        "Gehaltsabrechnung.pdf",
        "Passport scan.jpg",
        "Führerschein.png",
        "Führerschein.png",
        "IBAN.txt",
        "Kontoauszüge.pdf",
        "medical-report.pdf",
        "passwords.xlsx",
        "MotDePasse.txt",
        "contraseña.txt",
        "Lebenslauf_Ada.pdf",
        "private key.pem",
    ],
)
def test_a_sensitive_name_is_seen(name: str) -> None:
    assert looks_sensitive(name)


@pytest.mark.parametrize(
    "name",
    [
        "Offer.pdf",
        "invoice 2026-17.pdf",
        "Angebot für Ada.docx",
        "passage.pdf",
        "compass.png",
        "cvs.csv",
        "Contractor guide.pdf",
        "lohnt-sich.pdf",
        "patients.png",
        "2026.pdf",
        "",
    ],
)
def test_an_ordinary_name_is_not(name: str) -> None:
    assert not looks_sensitive(name)
