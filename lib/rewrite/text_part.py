"""The text part: web addresses in it are exchanged in place."""

import re
from typing import Final

from lib.rewrite.addresses import TextAddress, find_addresses
from lib.rewrite.destinations import Destinations, refusal_remark
from lib.rewrite.links import LinkRefused
from lib.rewrite.markup import MOST_LINKS, TOKEN_OF_OURS
from lib.rewrite.remarks import RewriteRemark, SourcePlaces
from lib.rewrite.signed import SignedBlocks

_LOOKED_AT: Final = 200
"""Characters before an address in which the words that label it are looked for."""
_SENTENCE_END: Final = re.compile(r"[.!?;|>)\]•·][ \t\xa0]|\t")
_PERHAPS_OURS: Final = re.compile(r"[/%](?:(?<=/)[co]/|(?<=%)2Fo)", re.IGNORECASE | re.ASCII)


def rewrite_text(text: str, destinations: Destinations, remarks: list[RewriteRemark], *, is_made: bool = False) -> str:
    """Exchange the first `MOST_LINKS` addresses of a text; links and pixels of older mail of ours also after them.

    Signed blocks stay as they are. A space goes between two addresses that touch. `is_made`: the text was made from
    HTML, so that its lines are not its author's.
    """
    if not destinations.is_following and not _PERHAPS_OURS.search(text):
        return text
    part = _Part(text, destinations, remarks)
    signed = SignedBlocks(text, anywhere=is_made)
    pieces, done, left, last_of_ours = list[str](), 0, MOST_LINKS, len(text)
    before, end_before = "", 0
    for found in find_addresses(text):
        if found.start >= last_of_ours:
            break
        words = (before + text[end_before : found.start])[-_LOOKED_AT:]
        before, end_before = "", found.end
        if signed.holds(found.start):
            continue
        address = text[found.start : found.end]
        if destinations.destination_of(address) is not None:
            continue  # a link of the HTML, with that link's own index
        if left:
            left -= 1
        else:
            if last_of_ours == len(text):
                destinations.left_out = destinations.is_following
                last_of_ours = _end_of_ours(text, found.start)
            if not TOKEN_OF_OURS.search(address):
                continue
        replacement = part.replacement(address, found, words)
        if not replacement:
            before = words  # They stand before the next address now.
        pieces += (text[done : found.start], replacement)
        done = found.end
        if text.startswith(("h", "H"), done) and destinations.destination_of(replacement) is not None:
            pieces.append(" ")  # Another address touches this one, and would be taken for the end of its token.
    if destinations.is_following:
        remarks += signed.remarks(part.places)
    return "".join([*pieces, text[done:]])


def _end_of_ours(text: str, place: int) -> int:
    """Return the end of the last link or pixel of ours from that place on."""
    end = place
    for found in TOKEN_OF_OURS.finditer(text, place):
        end = found.end()
    return end


class _Part:
    def __init__(self, text: str, destinations: Destinations, remarks: list[RewriteRemark]) -> None:
        self._destinations: Final = destinations
        self._remarks: Final = remarks
        self.places: Final = SourcePlaces("text", text)

    def replacement(self, address: str, found: TextAddress, before: str) -> str:
        """Return what stands in place of an address, with that text before it; itself where it is to stay."""
        destinations = self._destinations
        is_perhaps_ours = _PERHAPS_OURS.search(address)
        if not destinations.takes_more and not is_perhaps_ours:
            return address if found.is_unresolved else destinations.url_of(address)
        if found.is_unresolved:
            return address
        if is_perhaps_ours:
            if older := destinations.ours.link(address):
                address = older.destination
            elif destinations.ours.is_pixel(address):
                return ""
        if not destinations.takes_more:
            return destinations.url_of(address)
        try:
            return destinations.url_in_text(address, _label(before)) or address
        except LinkRefused as refused:
            self._remarks.append(refusal_remark(refused, self.places, found.start))
            return address


def _label(before: str) -> str:
    """Return the words that label an address: those before it on its line, or on the line above, ending in a colon."""
    before = before.rstrip(" \t\xa0<([{\"'«“„")
    if before.endswith(("\n", "\r")):
        before = before.rstrip()
        if not before.endswith(":"):
            return ""
    line = before[max(before.rfind("\n"), before.rfind("\r")) + 1 :]
    return _SENTENCE_END.split(line)[-1]
