"""Warnings that a company's own mail server puts above mail from outside. Their words are nobody's answer.

A warning begins with a word such as CAUTION and says that the mail is from outside, or it is Outlook's note on a sender
who is new. Whatever does not say both stays: a person's words are worth more than a clean excerpt.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_MOST_LINES = 4
"""Lines over which text parts break a warning."""

_LONGEST = 800
"""Characters of a warning."""

_ALARM = re.compile(
    r"[\W_]{0,10}(?:caution|warning|attention|important|notice|external|externe?r?|achtung|vorsicht|warnung|hinweis|"
    r"avertissement|prudence|atención|precaución|attenzione|avviso|let op|waarschuwing|atenção|obs|varning|advarsel|"
    r"uwaga|this (?:e-?mail|message) (?:originated|came|was sent) from outside)\b",
    re.IGNORECASE,
)
_MAIL = re.compile(
    r"e-?mail|message|sender|nachricht|absender|courriel|expéditeur|correo|mensaje|remitente|mittente|messaggio|"
    r"bericht|afzender|remetente|mensagem|avsändare|meddelande|avsender|afsender|nadawc",
    re.IGNORECASE,
)
_FROM_OUTSIDE = re.compile(
    r"from (?:an? |the )?(?:outside|external)|external (?:e-?mail|sender|source|message)|"
    r"outside (?:of )?(?:the |your |our )?(?:organi[sz]ation|company|network|firm|group|university|domain)|"
    r"von außerhalb|außerhalb (?:der|ihrer|unserer) (?:organisation|firma)|"
    r"extern(?:e[mnrs]?)? (?:e-?mail|absender|quelle|nachricht)|"
    r"(?:e-?mail|message|courriel|expéditeur) externe|de l['’]extérieur|fuera de (?:la|su|nuestra) organización|"
    r"(?:correo|mensaje|remitente) externo|(?:mittente|e-?mail) estern[ao]|dall['’]esterno|externe afzender|"
    r"van buiten|buiten (?:de|uw|onze) organisatie|(?:remetente|e-?mail) externo|fora da organização|"
    r"extern avsändare|utanför organisationen|ekstern (?:avsender|afsender)|spoza organizacji",
    re.IGNORECASE,
)
_ADVICE = re.compile(
    r"(?:do not|don't|never) (?:click|open|reply)|unless you|recogni[sz]e the sender|content is safe|"
    r"(?:klicken|öffnen) sie (?:nicht|keine)|keine links|ne cliquez pas|n'ouvrez pas|no haga clic|no abra|"
    r"non (?:fare|cliccare|aprire)|klik niet|open geen|não clique",
    re.IGNORECASE,
)
_NEW_SENDER = re.compile(
    r"[\W_]{0,10}(?:you don['’]t often get e-?mail from|some people who received this message don['’]t often get|"
    r"sie erhalten nicht (?:oft|häufig) e-?mails? von|vous ne? (?:recevez|obtenez) pas souvent|no suele recibir|"
    r"non si ricevono spesso|(?:u ontvangt|je ontvangt|u krijgt) niet vaak|não costuma receber|du får inte ofta)\b",
    re.IGNORECASE,
)


def count_banner_lines(lines: Sequence[str]) -> int:
    """Return how many lines at the beginning are warnings, with blank ones between; 0 where all else is blank."""
    end, start = 0, _next_line(lines, 0)
    while start < len(lines) and (length := _warning(lines[start : start + _MOST_LINES])):
        end = start + length
        while end < len(lines) and _ADVICE.search(lines[end][:_LONGEST]):
            end += 1
        start = _next_line(lines, end)
    return end if end and start < len(lines) else 0


def _next_line(lines: Sequence[str], number: int) -> int:
    """Return the number of the next line that is not blank."""
    while number < len(lines) and not lines[number].strip():
        number += 1
    return number


def _warning(lines: Sequence[str]) -> int:
    """Return how many of these lines a warning takes that begins with the first one; 0 where none does."""
    if _NEW_SENDER.match(lines[0]):
        return 1
    if not _ALARM.match(lines[0]):
        return 0
    for count in range(1, len(lines) + 1):
        if not lines[count - 1].strip():
            return 0
        said = " ".join(lines[:count])[:_LONGEST]
        if _MAIL.search(said) and _FROM_OUTSIDE.search(said):
            return count
    return 0
