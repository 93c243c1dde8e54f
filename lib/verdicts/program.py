"""Programs: what the catalogue and the rules about browsers say of a user agent, found once for each agent."""

from __future__ import annotations

import math
import re
from functools import lru_cache

from lib.catalogues.agents import Agents
from lib.catalogues.devices import APPLE_PRIVACY
from lib.verdicts.rules.browsers import is_browser, is_impossible, is_mail_program, out_of_date_from

GMAIL_PREFETCH = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/42.0.2311.135 "
    "Safari/537.36 Edge/12.246 Mozilla/5.0"
)

_SAYS_SOMETHING = re.compile(r"[^\W_]")
_OFFICE = re.compile(r"^microsoft office\b|ms-office|msoffice|oneoutlook", re.IGNORECASE)


class Program:
    """Program that asked, by its user agent."""

    def __init__(self, agents: Agents, agent: str | None) -> None:
        known = agent or ""
        self.agent = agent
        self.says_something = _SAYS_SOMETHING.search(known) is not None
        """Whether there is a name at all."""
        self.robot_name = agents.robot_name(known) if known else None
        """The robot's own name, empty if it has none; None for no robot."""
        self.image_proxy = agents.image_proxy(known) if known else None
        """The mail service whose proxy it is."""
        self.is_app = bool(known) and agents.app_name(known) is not None
        """Whether it is an app that people use, such as a mail program."""
        self.is_mail_program = bool(known) and is_mail_program(known, agents)
        """Whether people read mail with it."""
        self.is_apple_mail = bool(known) and APPLE_PRIVACY.fullmatch(known) is not None
        """Whether it is Apple Mail, which loads images by itself under the same agent."""
        self.is_office = _OFFICE.search(known) is not None
        self.is_gmail_prefetch = agent == GMAIL_PREFETCH
        self.is_browser = is_browser(known)
        """Whether it names a browser, be it that of an app."""
        is_plain = self.is_browser and not (self.is_gmail_prefetch or self.is_app or self.image_proxy)
        self.is_imitated_browser = is_plain and is_impossible(known)
        """Whether it says it is a browser in a way that this browser never does. The engine of an app or of an image
        proxy is left out: it is as its maker left it."""
        self.out_of_date_from = out_of_date_from(known) if is_plain and not self.is_imitated_browser else math.inf
        """Milliseconds since 1970 after which the browser was out of date; infinite where it does not tell its age."""


@lru_cache(maxsize=4096)
def program_of(agents: Agents, agent: str | None) -> Program:
    """Return the program of an agent: the same object for the same agent, as long as it is kept."""
    return Program(agents, agent)
