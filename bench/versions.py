"""Two versions of Heed beside each other: this checkout, and another one that an option names.

Machines are noisy, so the versions take turns in every round, and what is said is the ratio within a round. Make the
other checkout with `git worktree add --detach /tmp/before <commit>`.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from infra.local.child import ROOT

Contender = TypeVar("Contender")


@dataclass(frozen=True, slots=True)
class Version:
    """A checkout whose code the server runs."""

    name: str
    root: Path

    def command(self, *module: str) -> list[str]:
        """The command that runs a module of this checkout with its arguments."""
        return ["env", f"--chdir={self.root}", sys.executable, "-m", *module]


THIS = Version("this version", ROOT)


def versions(against: Path | None) -> tuple[Version, ...]:
    """This version, and the one in the folder `against` if there is one."""
    return (THIS,) if against is None else (THIS, Version("the other version", against.resolve()))


def in_turn(contenders: Sequence[Contender], number: int) -> Sequence[Contender]:
    """The contenders in the order of this round: each is first as often as any other."""
    start = number % len(contenders)
    return (*contenders[start:], *contenders[:start])


def compare(what: str, of_this: Sequence[float], of_other: Sequence[float]) -> str:
    """A line that says this version's figure as a share of the other one's, round by round and in the median."""
    ratios = [one / other for one, other in zip(of_this, of_other, strict=True)]
    each = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    return f"{what}: {statistics.median(ratios):.2f} times that of the other version (each round: {each})"
