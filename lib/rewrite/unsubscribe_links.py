"""Links that end a subscription. They stay direct: a recipient's decision must not depend on us, and is no interest.

A link is one where its words or a part of its path or query say so in one of the languages that Heed speaks. Words say
so where they are few and begin or end with it: "Unsubscribe", "Hier abmelden", and not "What unsubscribe rates tell". A
part of an address says so where it holds little else: `/newsletter-abmelden`, `?action=unsubscribe`.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

_MOST_WORDS: Final = 8
_LONGEST_WORDS: Final = 120
"""Characters of the words of a link; more of them are no plain word."""

# Without accents, with one space between words.
_SAID: Final = (
    # English
    r"un ?subscribe|opt ?out|remove me|stop receiving|cancel (?:my |your |the |this )?(?:newsletter )?subscription|"
    # German
    r"abmelden|abmeldung|abmelde ?link|abbestellen|abbestellung|austragen|austragung|nicht mehr erhalten|"
    # French
    r"desinscription|(?:se |me |vous )?desinscrire|desinscrivez vous|desabonnement|(?:se |me |vous )?desabonner|"
    r"desabonnez vous|ne plus recevoir|"
    # Spanish
    r"(?:dar|darse|darme|darte|date|dese) de baja|desuscribir(?:se|me|te)?|desuscribete|"
    r"(?:cancelar|anular) (?:la |mi |tu |su )?suscripcion|"
    # Italian
    r"disiscri(?:viti|vermi|verti|versi|vere|zione)|"
    r"(?:annulla|annullare|cancella|cancellare) (?:l |la |mia |tua |sua )*(?:iscrizione|sottoscrizione)"
)
_BESIDES: Final = (
    r"(?:e|mail|email|mails|emails|mailing|mailings|mailer|list|lists|newsletter|newsletters|user|contact|customer|"
    r"subscription|subscriber|page|form|link|action|now|me|us|you|all|one|click|confirm|global|"
    r"php|html?|aspx?|jsp|cgi|do|[a-z]*[0-9][a-z0-9]*)"
)
_BEFORE: Final = r"(?:to|please|here|click|zum|hier|jetzt|um sich|pour|para|per)"
_BEGINS_OR_ENDS: Final = re.compile(rf"(?:{_BEFORE} )?(?:{_SAID})(?= |\Z)|.*(?<= )(?:{_SAID})\Z")
_IS_PART: Final = re.compile(rf"(?:{_BESIDES} )*?(?:{_SAID})(?: {_BESIDES})*")
_PERHAPS: Final = re.compile(
    "subscri|opt|remove|receiv|abmeld|abbest|austrag|erhalten|inscri|abonn|recevoir|baja|suscri|iscri|sottoscri",
    re.IGNORECASE,
)
"""Finds a piece of each phrase that no accent and no escape of one interrupts."""

_REST: Final = re.compile(r"https?://[^/?#]*+(.*)", re.IGNORECASE | re.DOTALL)
_PARTS: Final = re.compile(r"[/?&=;#]")
_TWO_WORDS: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_NO_WORD: Final = re.compile(r"[\W_]+")


def words_end_subscription(words: str) -> bool:
    """Whether these words of a link, with character references decoded, say that it ends a subscription."""
    if not _PERHAPS.search(words):
        return False
    words = " ".join(words.split())  # templates are indented
    if len(words) > _LONGEST_WORDS:
        return False
    plain = _plain(words)
    return plain.count(" ") < _MOST_WORDS and _BEGINS_OR_ENDS.match(plain) is not None


@lru_cache(1024)
def address_ends_subscription(address: str) -> bool:
    """Whether the path, query or fragment of a web address says that it ends a subscription."""
    rest = _REST.match(address)
    if rest is None or not _PERHAPS.search(rest[1]):
        return False
    parts = (unquote(part) for part in _PARTS.split(rest[1]) if _PERHAPS.search(part))
    return any(_IS_PART.fullmatch(_plain(spelled)) for part in parts for spelled in (part, _TWO_WORDS.sub(" ", part)))


def _plain(text: str) -> str:
    """Return the words in lower case, without accents and invisible characters, with one space between them."""
    if not text.isascii():
        letters = unicodedata.normalize("NFKD", text)
        text = "".join(each for each in letters if unicodedata.category(each) not in ("Mn", "Cf"))
    return _NO_WORD.sub(" ", text).strip().lower()
