"""The answer's own words: a mail's text without quotes, signature, its program's last line and its server's warnings.

The result is an excerpt, shown as one: a writer whose quotes have no sign that this module knows is quoted whole.
Everything is decided line by line, with patterns that begin at a line's start: time grows with the length alone.
"""

from __future__ import annotations

import re

from lib.inbound.banners import count_banner_lines

LONGEST_EXCERPT = 4_000
"""Characters."""

_LONGEST_TEXT = 20_000
_LINES_OF_ATTRIBUTION = 4
"""Lines over which programs break `On Monday, Ada Lovelace <ada@example.com> wrote:`."""

_LONGEST_ATTRIBUTION = 400
"""Characters at its end that are looked at."""

_DATE_OR_ADDRESS = re.compile(r"[\d@]")
_BEGINS_ATTRIBUTION = re.compile(
    r"[ \t]{0,4}(?:On|Am|Um|Le|El|Il|Op|Em|Den|Dne|Dnia|W dniu|På|A|Pada|Dana|La data|"
    r"Mon|Tue|Wed|Thu|Fri|Sat|Sun|Mo|Di|Mi|Do|Fr|Sa|So|lun|mar|mer|jeu|ven|sam|dim|"
    r"\w{2,4}[.,]{1,2} ?\d|\d{1,4}[./年년-]|"
    r"[^<>\n]{1,80}<[^<>@\s]{1,64}@[^<>@\s]{1,255}>)(?=[\s,.:\d(]|$)",
    re.IGNORECASE,
)
_ENDS_ATTRIBUTION = re.compile(
    r"(?:wrote|writes|schrieb|geschrieben|a écrit|écrivait|escribió|ha escrito|ha scritto|scrisse|schreef|geschreven|"
    r"escreveu|skrev|kirjoitti|napisał(?:\(a\)|a)?|napsal(?:\(a\)|a)?|написал(?:\(а\)|а)?|пише(?:т)?|yazdı|a scris|"
    r"のメール|写道|寫道|님이 작성)[^\n]{0,120}[:：]\s{0,4}$|<[^<>\n]{3,320}>\)?\s?[:：]\s{0,4}$",
    re.IGNORECASE,
)
_SEPARATOR = re.compile(
    r"[ \t>]{0,8}(?:-{2,20}|_{2,20}|\*{2,20}|={2,20})? ?(?:original[- ]message|original appointment|forwarded message|"
    r"ursprüngliche nachricht|originalnachricht|weitergeleitete nachricht|message d'origine|message original|"
    r"message transféré|mensaje original|mensaje reenviado|messaggio originale|messaggio inoltrato|"
    r"oorspronkelijk bericht|doorgestuurd bericht|mensagem original|mensagem encaminhada|ursprungligt meddelande|"
    r"oprindelig meddelelse|begin forwarded message|anfang der weitergeleiteten|wiadomość oryginalna|"
    r"исходное сообщение|пересылаемое сообщение|原始邮件|原始郵件|元のメッセージ)(?: ?-{2,20}| ?_{2,20}|:|$)",
    re.IGNORECASE,
)
_RULE = re.compile(r"[ \t]{0,4}_{20,200}[ \t]{0,4}$")
_HEADER = re.compile(
    r"[ \t>]{0,8}\*?(?:from|sent|to|cc|subject|date|reply-to|von|gesendet|an|betreff|datum|de|envoyé|à|objet|"
    r"enviado|enviado el|para|asunto|fecha|da|inviato|a|oggetto|data|van|verzonden|aan|onderwerp|enviada em|assunto|"
    r"från|skickat|till|ämne|fra|sendt|til|emne|lähettäjä|lähetetty|vastaanottaja|aihe|od|wysłano|do|temat|"
    r"от|кому|тема|отправлено|дата|发件人|发送时间|收件人|主题|寄件者|寄件日期|收件者|主旨|差出人|送信日時|宛先|件名)"
    r"[ \u00a0]?[:：]\*?(?:\s|$)",
    re.IGNORECASE,
)
_NEEDED_HEADERS, _HEADER_LINES = 3, 7
"""So many lines of headers in so many lines are a quoted mail's."""

_OF_MAIL_ALONE = re.compile(
    r"[ \t>]{0,8}\*?(?:subject|betreff|objet|asunto|oggetto|onderwerp|assunto|ämne|emne|aihe|temat|тема|主题|主旨|件名)"
    r"[ \u00a0]?[:：]|[^\n]{1,400}@",
    re.IGNORECASE,
)
"""A line of such headers that tells them from a traveler's `From: Vienna`: the subject, or an address."""

_SIGNATURE = re.compile(r"[ \t]{0,4}(?:--|—|__)[ \t]{0,4}$")
_PROGRAM = re.compile(
    r"[ \t]{0,4}(?:sent (?:from|with|via) (?:my|the|outlook|mail|yahoo|samsung|proton|gmail)|get outlook for|"
    r"(?:von|mit) (?:meinem|meiner|outlook)\b[^\n]{0,40}gesendet|gesendet (?:mit|von|aus)|holen sie sich outlook|"
    r"envoyé (?:de|depuis|à partir)|obtenez outlook|télécharger outlook|enviado desde|enviado do|obtener outlook|"
    r"inviato da|scarica outlook|verzonden (?:vanaf|met|via)|verstuurd vanaf|download outlook|skickat från|"
    r"outlook (?:für|voor|pour|para|per|för|til|for) (?:ios|android)[^\n]{0,80} (?:herunterladen|downloaden)|"
    r"(?:baixar|obter) o outlook|skaffa outlook|hämta outlook|hent outlook|få outlook|pobierz (?:aplikację )?outlook|"
    r"sendt fra|wysłane z|отправлено (?:с|из)|iphoneから送信|发自我的|從我的)",
    re.IGNORECASE,
)


def excerpt(text: str) -> str:
    """Return the words that a mail's writer has written, of at most 4,000 characters; empty where all is quoted."""
    cut = text[:_LONGEST_TEXT].replace("\r\n", "\n").replace("\u00a0", " ")
    lines = [line.rstrip() for line in cut.split("\n")]
    kept: list[str] = []
    number = count_banner_lines(lines)
    while number < len(lines):
        line = lines[number]
        if _SIGNATURE.match(line) or _begins_quoted_mail(lines, number):
            break
        attribution = _attribution(lines, number)
        if attribution:
            number += attribution
            if not _is_quoted_next(lines, number):
                break  # the quoted mail stands there without marks, to the end
            continue
        if not line.lstrip().startswith(">") and not _PROGRAM.match(line):
            kept.append(line)
        number += 1
    return _shortened(_without_blank_runs(kept))


def _attribution(lines: list[str], number: int) -> int:
    """Return how many lines the words take that name the quoted writer; 0 where they do not begin here."""
    if not _BEGINS_ATTRIBUTION.match(lines[number]):
        return 0
    for count in range(1, _LINES_OF_ATTRIBUTION + 1):
        words = lines[number : number + count]
        if len(words) < count or (count > 1 and not words[-1].strip()):
            return 0
        joined = " ".join(words)[-_LONGEST_ATTRIBUTION:]
        if _ENDS_ATTRIBUTION.search(joined) and _DATE_OR_ADDRESS.search(joined):
            return count
    return 0


def _begins_quoted_mail(lines: list[str], number: int) -> bool:
    line = lines[number]
    if _SEPARATOR.match(line):
        return True
    if _RULE.match(line):
        number += 1
    elif not _HEADER.match(line):
        return False
    block = [each for each in lines[number : number + _HEADER_LINES] if each]
    headers = [each for each in block if _HEADER.match(each)]
    return len(headers) >= _NEEDED_HEADERS and any(_OF_MAIL_ALONE.match(each) for each in block)


def _is_quoted_next(lines: list[str], number: int) -> bool:
    following = next((line for line in lines[number : number + 4] if line.strip()), "")
    return following.lstrip().startswith(">")


def _without_blank_runs(lines: list[str]) -> str:
    kept: list[str] = []
    for line in lines:
        if line.strip() or (kept and kept[-1]):
            kept.append(line)
    return "\n".join(kept).strip()


def _shortened(words: str) -> str:
    return words if len(words) <= LONGEST_EXCERPT else f"{words[: LONGEST_EXCERPT - 1].rstrip()}…"
