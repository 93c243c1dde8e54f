"""Makes the demo: names, letters and plans for an organization of the benchmark, played on a stage."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bench.traces.organizations.play import play
from bench.traces.organizations.world import found_organization
from demo.cast import Cast, make_cast
from demo.letters import HISTORY, Letter, choose_letters
from demo.mail_server import DemoMailServer
from demo.office import Office
from demo.plans import make_plans
from demo.script import Progress, Script
from demo.stage import Stage
from lib.catalogues.csv_rows import read_rows

SEED = 901
MAILS = 1000


@dataclass(frozen=True, slots=True)
class Made:
    """The demo on its stage."""

    stage: Stage
    cast: Cast
    letters: Sequence[Letter]


async def make_demo(
    base_url: str, token_keys: str, now: datetime, progress: Progress, *, mails: int = MAILS, seed: int = SEED
) -> Made:
    """Make a demo of some `mails` mails that ends `now`. Raises DemoError. Close its stage."""
    played = play(seed)
    networks = tuple(sorted({network for mail in played for network in mail.trace.own_networks}))
    cast = make_cast(found_organization(seed), networks)
    letters = choose_letters(played, cast, now, mails, seed)
    plans = make_plans(letters, cast, now, seed)
    stage = Stage(base_url, token_keys, now - HISTORY, DemoMailServer(), mail_servers_of(cast))
    await Script(Office(stage), cast, letters, plans, now, seed).play(progress)
    return Made(stage, cast, letters)


def mail_servers_of(cast: Cast) -> Callable[[str], Awaitable[Sequence[str]]]:
    """Return a look-up of the companies' mail servers: hosts of their gateways, as the catalogue knows them."""
    columns = ("mx_suffix", "gateway", "name", "scans")
    suffixes = {each["gateway"]: each["mx_suffix"] for each in read_rows("gateways.csv", columns, None)}
    hosts = {each.domain: [f"mx.{suffixes[each.gateway]}"] for each in cast.companies if each.gateway in suffixes}

    async def look_up(domain: str) -> Sequence[str]:
        return hosts.get(domain, [])

    return look_up
