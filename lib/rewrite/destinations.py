"""The destinations of one mail: which address becomes which link, and which stays as it is."""

from collections.abc import Callable, Set
from contextlib import suppress
from typing import Final

from lib.rewrite.addresses import spelled_for_text
from lib.rewrite.hosts import host_of, is_denied
from lib.rewrite.links import LinkRefused, destination, is_left_alone
from lib.rewrite.markup import MOST_LINKS
from lib.rewrite.ours import Ours
from lib.rewrite.remarks import RewriteRemark, SourcePlaces
from lib.rewrite.unsubscribe_links import address_ends_subscription, words_end_subscription


class UnsubscribeLink(LinkRefused):
    """A link that ends a subscription."""


class Destinations:
    """Numbers the destinations of one mail and makes their redirect URLs. `all` lists them by index.

    Without `mint` no link gets a redirect URL. Links to `denied` hosts, and to those below them, get none.
    `left_out`: there were links beyond the first `MOST_LINKS`.
    """

    def __init__(self, mint: Callable[[int, str], str] | None, ours: Ours, denied: Set[str] = frozenset()) -> None:
        self._mint: Final = mint
        self._denied: Final = denied
        self.ours: Final = ours
        self._url_of: Final[dict[str, str]] = {}  # by destination, for the links of the HTML
        self._destination_of: Final[dict[str, str]] = {}  # by URL
        self._off: Final[set[str]] = set()
        self.all: Final[list[str]] = []
        self.left_out = False

    @property
    def is_following(self) -> bool:
        """Whether links get redirect URLs at all."""
        return self._mint is not None

    @property
    def takes_more(self) -> bool:
        """Whether one more link would get a redirect URL."""
        return self._mint is not None and len(self.all) < MOST_LINKS

    def url_of(self, address: str) -> str:
        """Return the redirect URL of a link of the HTML that is spelled like this one, else the address itself."""
        url = self._url_of.get(address)
        if url is not None:
            return url
        if self._mint is not None and address not in self._destination_of:
            self.left_out = True
        return address

    def destination_of(self, url: str) -> str | None:
        """Return the destination of one of the redirect URLs that were made here."""
        return self._destination_of.get(url)

    def url_in_html(self, address: str, words: str) -> str | None:
        """Return the redirect URL for the next link of the HTML, None if it is to stay. May raise LinkRefused.

        `words` are those that the link shows, empty where it shows none.
        """
        if self._stays(address) or self._is_full():
            return None
        try:
            to = self._checked(address, words)
        except UnsubscribeLink:
            self.turn_off(address)
            raise
        url = self._next_url(to)
        self._url_of.setdefault(to, url)
        return url

    def turn_off(self, address: str) -> None:
        """Leave links of the text alone that lead where this link of the HTML leads, marked as off."""
        with suppress(LinkRefused):
            self._off.update((destination(address), destination(spelled_for_text(address))))

    def url_in_text(self, address: str, words: str) -> str | None:
        """Return the redirect URL for a link of the text, None if it is to stay. May raise LinkRefused.

        It shares the index of the first link of the HTML with this destination. `words` stand before it.
        """
        if self._stays(address):
            return None
        to = self._checked(address, words)
        if to in self._url_of:
            return self._url_of[to]
        return None if to in self._off or self._is_full() else self._next_url(to)

    def honeypot_url(self) -> str | None:
        """Return the redirect URL of one more link, to the first one's destination; None for a mail without links."""
        return self._next_url(self.all[0]) if self.all else None

    def _is_full(self) -> bool:
        full = len(self.all) >= MOST_LINKS
        self.left_out = self.left_out or full
        return full

    def _stays(self, address: str) -> bool:
        return self._mint is None or is_left_alone(address) or self.ours.is_own(address)

    def _checked(self, address: str, words: str) -> str:
        """Return the destination of a link.

        Raises LinkRefused, also for a host that is denied and for a link that ends a subscription.
        """
        to = destination(address)
        if words_end_subscription(words) or address_ends_subscription(to):
            raise UnsubscribeLink("unsubscribe_link", "it ends a subscription, which is the recipient's own decision")
        host = host_of(to)
        if is_denied(host, self._denied):
            raise LinkRefused("denied_host", f"its host {host[:100]} is on the list of denied hosts")
        return to

    def _next_url(self, to: str) -> str:
        assert self._mint is not None
        url = self._mint(len(self.all), to)
        self.all.append(to)
        self._destination_of[url] = to
        return url


def refusal_remark(refused: LinkRefused, places: SourcePlaces, offset: int) -> RewriteRemark:
    """Make the remark that tells the sender of a link that is not tracked."""
    return RewriteRemark(refused.code, f"This link is not tracked: {refused.text}.", places.name(offset))
