"""Subjects of mail in a thread: prefixes of replies in any language, the words that stay, and our own subject token."""

from __future__ import annotations

import base64
import re
import unicodedata

from lib.mime.headers import unfolded

LONGEST_SUBJECT = 998
"""Characters of a subject (RFC 5322, 2.1.1)."""

_MOST_PREFIXES = 20

_REPLY_WORDS = (
    "re", "r", "aw", "antw", "antwort", "antwoord", "sv", "svar", "vs", "vast", "res", "ref", "rif", "rép",
    "odp", "odg", "ynt", "yanıt", "bls", "ats", "atb", "vá", "válasz", "tl", "trả lời", "отв", "ответ", "відп",
    "απ", "σχετ", "השב", "תגובה", "رد", "回复", "回覆", "答复", "答覆", "回信", "返信", "답장", "회신",
)  # fmt: skip
_FORWARD_WORDS = (
    "fw", "fwd", "wg", "weitergeleitet", "vb", "vl", "fs", "videresendt", "tr", "transf", "trans", "rv", "reenv",
    "enc", "i", "inoltra", "pd", "podaj dalej", "ilt", "trs", "doorst", "továbbítás", "chuyển tiếp", "пересл", "πρθ",
    "הועבר", "إعادة توجيه", "转发", "轉寄", "轉發", "転送", "전달",
)  # fmt: skip
_AUTOMATIC_WORDS = (
    "automatic reply", "auto reply", "autoreply", "auto", "out of office", "automatische antwort", "abwesend",
    "abwesenheitsnotiz", "réponse automatique", "absence", "respuesta automática", "respuesta automatica",
    "risposta automatica", "resposta automática", "automatisch antwoord", "autosvar", "automatiskt svar",
    "automaattinen vastaus", "odpowiedź automatyczna", "автоответ", "自动答复", "自動回覆", "自動応答", "undeliverable",
    "undelivered", "unzustellbar", "non remis", "no se puede entregar", "returned mail", "accepted", "declined",
    "tentative", "zugesagt", "abgelehnt", "read", "gelesen", "lu", "leído",
)  # fmt: skip
GATEWAY_TAGS = ("ext", "extern", "external", "externe", "externo", "caution", "spam", "suspected spam", "bulk")
"""Words by which gateways mark mail from outside, in front of its subject."""

_COUNT = r"(?:\[\d{1,3}\]|\(\d{1,3}\)|\^?\d{1,3})?"
_PREFIX = re.compile(
    rf"\s*(?:(?:{'|'.join(map(re.escape, (*_REPLY_WORDS, *_FORWARD_WORDS, *_AUTOMATIC_WORDS)))})\s?{_COUNT}\s?[:：﹕]|"
    rf"[\[(](?:{'|'.join(map(re.escape, GATEWAY_TAGS))})[\])]:?|\*+spam\*+)\s*",
    re.IGNORECASE,
)
"""A prefix with its colon, a counted one such as `Re[2]:`, or the tag of a mail gateway, such as `[EXTERN]`."""

_TOKEN = re.compile(r"\s?\[#([a-z2-7]{16})\]", re.IGNORECASE)
_WORD = re.compile(r"\w+")
_TOKEN_BYTES = 10
"""80 bits: of a thousand million messages, two share a token with a probability of one in two million."""


def without_prefixes(subject: str) -> str:
    """Return the subject without prefixes of replies, forwards and automatic mail, and without tokens of ours."""
    rest = _TOKEN.sub("", unfolded(subject)).strip()
    for _ in range(_MOST_PREFIXES):
        found = _PREFIX.match(rest)
        if found is None:
            break
        rest = rest[found.end() :]
    return rest


def has_prefix(subject: str) -> bool:
    """Tell whether the subject says that the mail answers, forwards or reports on another one."""
    return _PREFIX.match(subject) is not None


def reply_subject(subject: str) -> str:
    """Return the subject of an answer: one `Re:`, whatever prefixes there are."""
    return f"Re: {without_prefixes(subject)}".strip()[:LONGEST_SUBJECT]


def subject_words(subject: str) -> str:
    """Return the words of the subject without prefixes, in lower case and with one blank between; empty without any."""
    folded = unicodedata.normalize("NFKC", without_prefixes(subject)).casefold()
    return " ".join(_WORD.findall(folded))


def with_token(subject: str, message: str) -> str:
    """Return the subject with the message's token at its end, such as `Offer [#k7…]`; without, where it is too long.

    `message` is an id of 32 hexadecimal digits. The token is its first 80 bits in base32, which is no counter: two
    messages do not share one.
    """
    token = base64.b32encode(bytes.fromhex(message)[:_TOKEN_BYTES]).decode().lower()
    marked = f"{_TOKEN.sub('', subject)} [#{token}]".strip()
    return marked if len(marked) <= LONGEST_SUBJECT else subject


def ids_begun_by_tokens(subject: str) -> list[str]:
    """Return the beginnings of message ids, 20 hexadecimal digits, that the subject's tokens stand for; last first."""
    return [base64.b32decode(token.upper()).hex() for token in reversed(_TOKEN.findall(subject))]
