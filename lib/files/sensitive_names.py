"""Names of files that look sensitive: words in several languages, in plain view.

What is sensitive follows the guidelines on impact assessments (WP 248 rev.01, III B 4: special categories of data, and
data of a highly personal nature, such as financial data and identity) and what opens doors: passwords and keys. Offers,
invoices and brochures are what sales mail is for, so they are not among them.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

_AGREEMENTS_AND_PAY = (
    "contract contracts contrat contrats contrato contratto kontrakt umowa nda payslip payslips payroll salary "
    "salaries gehalt lohn nomina salario stipendio loonstrook steuerbescheid"
)
_IDENTITY_AND_BANKING = (
    "passport passports reisepass passeport pasaporte passaporto paspoort paszport ausweis personalausweis "
    "fuehrerschein dni ssn geburtsurkunde iban kontodaten kreditkarte creditcard"
)
_HEALTH = "medical patient diagnosis diagnose befund krankmeldung krankschreibung attest"
_SECRETS = (
    "passwords kennwort kennwoerter passwoerter zugangsdaten credentials contrasena wachtwoord confidential "
    "vertraulich geheim confidentiel confidencial riservato vertrouwelijk"
)
_PEOPLE = "cv lebenslauf bewerbung personalakte"
_WORDS = frozenset(
    word for some in (_AGREEMENTS_AND_PAY, _IDENTITY_AND_BANKING, _HEALTH, _SECRETS, _PEOPLE) for word in some.split()
)
_PARTS = ("vertrag", "vertraeg", "abrechnung", "passwor", "kontoausz", "lohnzettel", "gehaltszettel")
"""Parts of words that German puts together."""
_TWO_WORDS = frozenset(
    ("credit card", "bank statement", "mot passe", "de passe", "private key", "id card", "bulletin paie", "de paie")
)
_WORD = re.compile(r"[^\W\d_]+")
_CAMEL = re.compile(r"(?<=[a-zß-ÿ])(?=[A-Z])")
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


def looks_sensitive(filename: str) -> bool:
    """Whether the name looks like that of a contract, a payslip, an identity document, a medical or a secret file."""
    words = _words_of(filename)
    pairs = {f"{one} {other}" for one, other in pairwise(words)}
    words += [one + other for one, other in pairwise(words)]  # PaySlip
    return (
        any(word in _WORDS for word in words)
        or any(part in word for word in words for part in _PARTS)
        or bool(pairs & _TWO_WORDS)
    )


def _words_of(filename: str) -> list[str]:
    """Return the words in lower case without accents; an umlaut may be written in two letters."""
    spelled = unicodedata.normalize("NFC", _CAMEL.sub(" ", filename)).lower().translate(_UMLAUTS)
    plain = "".join(sign for sign in unicodedata.normalize("NFKD", spelled) if not unicodedata.combining(sign))
    return _WORD.findall(plain)
