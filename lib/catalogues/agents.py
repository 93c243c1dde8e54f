"""The catalogue of user agents: robots, apps that people use, image proxies of mail services, signs of devices.

`agents.csv` has a row for each pattern: a regular expression, searched anywhere in the agent, ignoring case. `meaning`
is one of

- `robot`: the agent calls itself a robot, a tool, a library or a headless browser. `name` may be empty: the name is
  then read from the agent, as `AhrefsBot` is where the word `bot` is found;
- `person`: an app that people use. It overrides robots, so that `Slack/4.4` is none because of what else it says;
- `mail`: the same, a mail program;
- `proxy`: the service of this name fetches images for a person. It overrides robots too;
- `device`: the agent names a person's system, browser engine or device. A program without any such sign is a robot too:
  browsers and mail programs name theirs, and `okhttp/4.12` has nothing of the kind.

A deployment's rows come before ours, so that it can make a person of what we call a robot, and the reverse. `example`
is an agent that the row is about; the tests check it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Final, Literal, NamedTuple, cast

from lib.catalogues.csv_rows import Entry, read_rows

Meaning = Literal["robot", "person", "mail", "proxy", "device"]

FILE: Final = "agents.csv"
COLUMNS: Final = ("pattern", "meaning", "name", "example")
_MEANINGS: Final = ("robot", "person", "mail", "proxy", "device")
_APPS: Final = ("person", "mail")

LONGEST: Final = 512
"""Characters of an agent that are searched: as many as a hit keeps."""

_MODEL: Final = re.compile(r"\(Linux;[^)]{0,40}?Android[^)]{0,200}?(?:\)|Build/[^;)]{0,80})", re.IGNORECASE)
"""Android's name for the device. The maker chose its words, such as `CUBOT`, so they say nothing of the program."""

_PROGRAM: Final = re.compile(
    r"(?!Mozilla/)[a-z][\w .:!%'-]{0,60}(?:[/(;,+\[]|$)|"
    r"Mozilla/\d\.\d (?:\((?:compatible; ?(?!\))|(?!compatible))|(?!\())[\w.-]{1,40}(?:[/;)]|$)",
    re.IGNORECASE,
)
"""An agent that begins with a program's name. Garbage does not, nor does `Mozilla/5.0`."""

_PART: Final = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\((?:\?(?:[:=!]|<[=!]))?|\{[\d,]*\}|.", re.DOTALL)
_CODE_OF_A_LETTER: Final = re.compile(r"\\[xuN0-9]")
_MOST_WAYS: Final = 10_000
"""Bound on the ways in which the repetitions of one pattern can match at one place of an agent."""


class AgentRow(NamedTuple):
    """A row of the catalogue."""

    pattern: str
    meaning: Meaning
    name: str
    example: str


class Agents:
    """The rows of the catalogue, compiled at the first question."""

    def __init__(self, ours: Sequence[AgentRow], deployment: Sequence[AgentRow] = ()) -> None:
        self.rows = (*ours, *deployment)
        self._files = (deployment, ours)

    def robot_name(self, agent: str) -> str | None:
        """The robot's own name, fit for a sentence; empty if it has none. None if the agent is no robot."""
        return _robot_name(self, agent)

    def declared_robot(self, agent: str) -> bool:
        """Whether the agent calls itself a robot, a tool, a library or a headless browser."""
        return self.robot_name(agent) is not None

    def app_name(self, agent: str) -> str | None:
        """The name of an app that people use, such as `Outlook` or `Slack`, or None."""
        return _named(self, agent, _APPS)

    def mail_program(self, agent: str) -> str | None:
        """The name of a mail program, or None."""
        return _named(self, agent, ("mail",))

    def image_proxy(self, agent: str) -> str | None:
        """The mail service to which the image proxy belongs; None if the agent is no proxy."""
        return _named(self, agent, ("proxy",))

    @cached_property
    def _tiers(self) -> tuple[_Tier, ...]:
        """Tiers in order of precedence: the deployment's before ours, people and proxies before robots."""
        return tuple(
            _Tier([row for row in rows if row.meaning in meanings])
            for rows in self._files
            for meanings in ((*_APPS, "proxy"), ("robot",))
        )

    @cached_property
    def _devices(self) -> _Tier:
        return _Tier([row for row in self.rows if row.meaning == "device"])


class _Found(NamedTuple):
    row: AgentRow
    text: str
    start: int


class _Tier:
    """Rows compiled into one pattern, which finds the first place in the agent that any of them matches."""

    def __init__(self, rows: Sequence[AgentRow]) -> None:
        self.rows = rows
        # Find the place: without names, and in small letters, a search takes a sixth of the time. Few agents match.
        every = "|".join(f"(?:{row.pattern})" for row in rows)
        self._any = re.compile(every, re.IGNORECASE)
        self._any_in_small_letters = re.compile(every) if _is_in_small_letters(every) else None
        self._named = re.compile("|".join(f"(?P<r{n}>{row.pattern})" for n, row in enumerate(rows)), re.IGNORECASE)

    def find(self, agent: str) -> _Found | None:
        """Find the row that matches first, with its place; None if no row matches."""
        if not self.rows:
            return None
        text = agent[:LONGEST]
        if self.rows[0].meaning == "robot":
            text = _MODEL.sub("(Linux; Android)", text)
        if self._any_in_small_letters and text.isascii():
            place = self._any_in_small_letters.search(text.lower())
        else:
            place = self._any.search(text)
        match = self._named.match(text, place.start()) if place else None
        if not match or not match.lastgroup:
            return None
        return _Found(self.rows[int(match.lastgroup[1:])], text, match.start())


def _is_in_small_letters(pattern: str) -> bool:
    """Whether a pattern finds in small letters what it finds when case is ignored, in an agent of ASCII."""
    return not any(part != part.lower() or _CODE_OF_A_LETTER.search(part) for part in _PART.findall(pattern))


def _named(agents: Agents, agent: str, meanings: tuple[Meaning, ...]) -> str | None:
    found = _first_found(agents, agent)
    return found.row.name if found and found.row.meaning in meanings else None


@lru_cache(maxsize=4096)
def _first_found(agents: Agents, agent: str) -> _Found | None:
    """Find the row that decides, but for our robots: they come last, and override no other row."""
    return next((found for tier in agents._tiers[:-1] if (found := tier.find(agent))), None)


@lru_cache(maxsize=4096)
def _robot_name(agents: Agents, agent: str) -> str | None:
    found = _first_found(agents, agent) or agents._tiers[-1].find(agent)
    if found:
        return None if found.row.meaning != "robot" else found.row.name or _own_name(found.text, found.start)
    if not _PROGRAM.match(agent) or agents._devices.find(agent):
        return None
    return _own_name(agent[:LONGEST], 0)


_ADDRESS: Final = re.compile(r"(?:https?:|www\.)[^\s;,)]{0,200}|[\w.+-]{1,60}@[\w.-]{1,60}", re.IGNORECASE)
_PIECE: Final = re.compile(r"[^;()/,+\[\]{}<>\"|=]{1,80}")
_VERSION: Final = re.compile(
    r"(?:^|(?<=\s))[v#-]?\d[\d.:_-]*(?:[a-zA-Z]{1,5}[\d.]*)?(?=\s|$)|\s-\s.*|\s-$|^-\s|\.\d[\d.]*$|\d+\.[\d.]+$"
)
_NOT_ITS_NAME: Final = re.compile(
    r"mozil+a|compatible|like gecko|khtml.*|gecko|chrome|chromium|safari|firefox|version|applewebkit|mobile( safari)?|"
    r"trident|msie.*|opera|edge?|u|n|macintosh|windows.*|win64|x64|wow64|linux.*|x11|ubuntu.*|android.*|k|iphone|ipad|"
    r"cpu .*|intel .*|ppc .*|ip(?:hone|ad) os.*|\.net.*|rv:.*|[a-z]{2}-[a-z]{2}|bot|robots?|"
    r"spider|crawler|[^a-z]*",
    re.IGNORECASE,
)
_HOST: Final = re.compile(r"(?:https?://|www\.|@)(?:www\.)?([\w.-]{1,60})")


def _own_name(agent: str, start: int) -> str:
    """The agent's words around the place that makes it a robot; else those before, else those after that place."""
    text = _ADDRESS.sub(lambda found: ";" * len(found[0]), agent)
    pieces = [(found.start(), found.end(), _plain(found[0])) for found in _PIECE.finditer(text)]
    named = [piece for piece in pieces if piece[2].isprintable() and not _NOT_ITS_NAME.fullmatch(piece[2])]
    around = [name for begins, ends, name in named if begins <= start < ends]
    before = [name for _, ends, name in named if ends <= start]
    after = [name for begins, _, name in named if begins > start]
    for name in (*around, *reversed(before), *after):
        return name[:40].rstrip()
    host = _HOST.search(agent)
    return host[1] if host else ""


def _plain(piece: str) -> str:
    """The piece without versions."""
    return _VERSION.sub("", piece.strip()).strip(" .:-'!&*")


def load_agents(folder: Path | None = None) -> Agents:
    """Read our rows, and those of the deployment's `folder`. Raises BrokenCatalogue."""
    return our_agents() if folder is None else _read_agents(folder)


def _read_agents(folder: Path | None) -> Agents:
    entries = list(read_rows(FILE, COLUMNS, folder))
    return Agents(
        [_row(entry) for entry in entries if entry.ours], [_row(entry) for entry in entries if not entry.ours]
    )


@lru_cache(maxsize=1)
def our_agents() -> Agents:
    """Our own rows, read once."""
    return _read_agents(None)


def _row(entry: Entry) -> AgentRow:
    meaning = cast(Meaning, entry.one_of("meaning", _MEANINGS))
    if meaning != "robot" and not entry["name"]:
        raise entry.broken(f"a {meaning} needs a name")
    problem = _problem(entry["pattern"])
    if problem:
        raise entry.broken(f"the pattern {problem}")
    return AgentRow(entry["pattern"], meaning, entry["name"], entry["example"])


def _problem(pattern: str) -> str | None:
    """The reason why a pattern cannot be used, or None. A pattern that passes takes linear time on every agent."""
    if not pattern:
        return "is missing"
    try:
        if re.compile(pattern).match(""):
            return "fits everything"
    except re.error as error:
        return f"is no regular expression: {error}"
    return _repetitions(_PART.findall(pattern))


def _repetitions(parts: Iterable[str]) -> str | None:
    ways, before = 1, ""
    for part in parts:
        if part == "(":
            return "has a group; write (?:...)"
        if part in "*+" or part.startswith("{"):
            most = part.strip("{}").rpartition(",")[2]
            if before == ")":
                return "repeats a group; only single characters may be repeated"
            if not most.isdecimal():
                return f"repeats without a bound ({part}); write {{0,40}}"
            ways *= int(most) + 1
        elif part == "?":
            ways *= 2
        if ways > _MOST_WAYS:
            return "repeats too much to be looked for in every agent"
        before = part
    return None
