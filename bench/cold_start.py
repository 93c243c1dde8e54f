"""Measure the start of an app: `python -m bench.cold_start`.

A cold start is compared with the import of three libraries that no Functions app of this kind does without, each in a
fresh process, with compiled files as they are deployed. CPU time is that of the thread that imports: what is imported
ahead, in a thread, is told apart. The first pixel is asked of the functions themselves, over a storage that answers.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import enumerate as running_threads

from bench.processors import Seats, inherited
from bench.sections import COLD_START, put
from bench.storage import ORGANIZATION, Mail, prepare
from infra.local.child import ROOT
from infra.local.servers.azurite import start_azurite
from lib.tokens import Claim, KeyRing, Purpose

STARTS = 15
PIXEL_STARTS = 5
LATER_PIXELS = 300
MOST = {"recipients": 1.5, "crm": 2.0, "work": 2.0, "all": 2.0}
"""The most times the CPU of the libraries that the start of each part may take."""
MOST_OF_FIRST_PIXEL = 15.0

_LIBRARIES = "azure.functions, azure.data.tables, pydantic"
_SAY = "\nimport time; print(time.thread_time())"
_SAY_ALL = """
import threading, time
function_app.app.get_functions()
for thread in threading.enumerate():
    if thread is not threading.current_thread(): thread.join()
print(time.process_time())
"""
_WHAT = f"""CPU time of a fresh process until `function_app` is imported, and how often that is the time for
`import {_LIBRARIES}`: {STARTS} interleaved rounds, the best of each. *Ahead* is what a
thread imports once the host has the functions. The first pixel is asked when that is done; its CPU, with row and queue
message, is compared with the median of {LATER_PIXELS} later ones, each alone, in {PIXEL_STARTS} processes."""


@dataclass(frozen=True, slots=True)
class Start:
    """The best of the starts of a part; seconds of CPU."""

    part: str
    seconds: float
    ahead: float
    ratio: float


def measure_starts(settings: Mapping[str, str], rounds: int = STARTS) -> list[Start]:
    """Measure the start of every part. The settings need no storage that answers."""
    libraries: list[float] = []
    starts: dict[str, list[float]] = {part: [] for part in MOST}
    whole: dict[str, list[float]] = {part: [] for part in MOST}
    with tempfile.TemporaryDirectory() as compiled:
        common = {**os.environ, **settings, "PYTHONPYCACHEPREFIX": compiled}
        common.pop("PYTHONDONTWRITEBYTECODE", None)
        for number in range(rounds + 1):  # the first one compiles
            found = _cpu(f"import {_LIBRARIES}{_SAY}", common)
            libraries += [found] if number else []
            for part in MOST:
                environment = {**common, "HEED_FUNCTIONS": part}
                starts[part].append(_cpu(f"import function_app{_SAY}", environment))
                if number < 4:
                    whole[part].append(_cpu(f"import function_app{_SAY_ALL}", environment))
    best = min(libraries)
    return [Start(part, min(found), min(whole[part]) - min(found), min(found) / best) for part, found in starts.items()]


def _cpu(code: str, environment: Mapping[str, str]) -> float:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return float(done.stdout.split()[-1])


def measure_first_pixels(seats: Seats, starts: int = PIXEL_STARTS) -> list[tuple[float, float]]:
    """Milliseconds of CPU of the first pixel of a process and of a later one, for each of some processes."""
    with tempfile.TemporaryDirectory() as temporary:
        folder, mail = Path(temporary), Mail(ids=[secrets.token_hex(16)])
        with inherited(seats.storage):
            azurite = start_azurite(folder)
        try:
            prepare(azurite.connection_string, mail, with_messages=False)
            token = KeyRing.parse(mail.key).mint(Purpose.OPEN, Claim(ORGANIZATION, mail.ids[0], 0))
            settings = {
                **_settings(mail.key),
                "AzureWebJobsStorage": azurite.connection_string,
                "HEED_FUNCTIONS": "recipients",
                "PYTHONPYCACHEPREFIX": str(folder / "compiled"),
            }
            found = []
            for _ in range(starts + 1):  # the first one compiles
                with inherited(seats.server, settings):
                    command = [sys.executable, "-m", "bench.cold_start", "--pixel", token]
                    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
                found.append((json.loads(said)[0], json.loads(said)[1]))
            return found[1:]
        finally:
            azurite.stop()


def _settings(key: str) -> Mapping[str, str]:
    return {
        "HEED_BASE_URL": "https://mail.example.com",
        "HEED_ADMIN_KEY": "the-key-of-the-benchmark",
        "HEED_TOKEN_KEYS": key,
        "HEED_TRUSTED_HOPS": "1",
    }


def _ask_pixels(token: str) -> tuple[float, float]:
    """Ask this process's own pixel: the CPU of the first answer and the median of later ones, in milliseconds."""
    import azure.functions as func

    import function_app
    from infra.local.host.application import list_functions

    pixel = next(each for each in list_functions(function_app.app) if each.name == "pixel")
    for thread in running_threads():
        if thread.name != "MainThread":
            thread.join()

    async def ask() -> float:
        headers = {"user-agent": "Mozilla/5.0 (Macintosh)", "x-forwarded-for": "198.51.100.7"}
        request = func.HttpRequest("GET", "/o", headers=headers, route_params={"token": token}, body=b"")
        began = time.process_time()
        answer = await pixel.handler(req=request)
        await asyncio.sleep(0.03)  # what follows the answer, such as telling the queue, is a part of its cost
        assert answer.status_code == 200
        return (time.process_time() - began) * 1000

    async def ask_all() -> tuple[float, float]:
        first = await ask()
        later = [await ask() for _ in range(LATER_PIXELS)]
        await function_app.app.close()
        return first, statistics.median(later)

    return asyncio.run(ask_all())


def section(starts: Sequence[Start], pixels: Sequence[tuple[float, float]]) -> str:
    """The text of the section."""
    ratio = statistics.median(first / later for first, later in pixels)
    first, later = (statistics.median(column) for column in zip(*pixels, strict=True))
    rows = [
        f"| start of `{each.part}` | {each.seconds * 1000:.0f} ms, {each.ahead * 1000:.0f} ms more ahead "
        f"| {each.ratio:.2f} | {MOST[each.part]:g}, {_reached(each.ratio, MOST[each.part])} |"
        for each in starts
    ]
    rows.append(
        f"| first pixel of `recipients` | {first:.1f} ms, a later one {later:.2f} ms "
        f"| {ratio:.1f} | {MOST_OF_FIRST_PIXEL:g}, {_reached(ratio, MOST_OF_FIRST_PIXEL)} |"
    )
    return "\n".join([_WHAT, "", "| | CPU | times | at most |", "|---|---:|---:|---:|", *rows])


def _reached(ratio: float, most: float) -> str:
    return "reached" if ratio <= most else "missed"


def measure_cold_start() -> str:
    """Measure all of it; the section's text."""
    seats = Seats.choose()
    with inherited(seats.server):
        starts = measure_starts({**_settings(Mail(ids=[]).key), "AzureWebJobsStorage": "UseDevelopmentStorage=true"})
    return section(starts, measure_first_pixels(seats))


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.cold_start", description="Measure the start of an app.")
    parser.add_argument("--write", action="store_true", help="write the section of RESULTS.md")
    parser.add_argument("--conditions", default="nothing else ran", help="what else the machine did, for the section")
    parser.add_argument("--pixel", help="ask for the pixel with this token in this process, for the run itself")
    options = parser.parse_args(arguments)
    if options.pixel:
        print(json.dumps(_ask_pixels(options.pixel)))
        return
    text = measure_cold_start()
    print(text)
    if options.write:
        put(COLD_START, text, options.conditions)


if __name__ == "__main__":
    main(sys.argv[1:])
