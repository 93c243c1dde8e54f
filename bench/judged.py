"""Judge recorded messages in this process: the part of `bench.judging` that runs with each version's own code.

Imports nothing of `bench`: it is run as a file, with another version's `lib` on Python's path.
"""

from __future__ import annotations

import gc
import json
import pickle
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from lib.catalogues.registry import load_catalogues
from lib.tracking.facts import Fact
from lib.verdicts.context import Sending


class Case(NamedTuple):
    """One question to the judge, in a form that every version reads."""

    facts: list[dict[str, Any]]
    """Fields of each fact."""

    sending: dict[str, Any]
    """Fields of the context that every version knows."""

    with_memory: bytes
    """Pickled fields, `Memory` among them, that earlier versions do not have."""


def measure(path: Path) -> float:
    """Return microseconds of CPU for each fact of the second half of the cases; the first half warms the process up."""
    module = import_module("lib.verdicts.judge")
    judge: Callable[..., object] = getattr(module, "judge_and_remember", module.judge)
    catalogues, knows_memory = load_catalogues(), "memory" in Sending.__dataclass_fields__
    cases = [Case(*each) for each in pickle.loads(path.read_bytes())]
    passed, facts = 0.0, 0
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)  # as functions/start.py does
    for number, case in enumerate(cases):
        # Facts and memory are fresh from storage, as in production.
        inputs = _inputs(case, knows_memory)
        began = time.process_time()
        judge(*inputs, catalogues)
        if number >= len(cases) // 2:
            passed += time.process_time() - began
            facts += len(case.facts)
    return passed / facts * 1e6


def _inputs(case: Case, knows_memory: bool) -> tuple[list[Fact], Sending]:
    more = pickle.loads(case.with_memory) if knows_memory else {}
    return [Fact(**each) for each in case.facts], Sending(**case.sending, **more)


if __name__ == "__main__":
    print(json.dumps([measure(Path(each)) for each in sys.argv[1:]]))
