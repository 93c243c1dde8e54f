"""`python -m bench`: measure everything and write bench/RESULTS.md, in some half an hour."""

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import NoReturn

from bench.apart import measure_apart
from bench.apart import section as apart_section
from bench.busy import OPENS, WrongCount, measure_busy
from bench.cold_start import measure_cold_start
from bench.hits import Bench, Measurement, measure_hits
from bench.lists import measure_lists
from bench.load import LoadError, choose_generator
from bench.mail import measure_mail
from bench.pages import measure_pages
from bench.pages import section as pages_section
from bench.processors import Seats, inherited
from bench.report import render
from bench.sections import APART, COLD_START, PAGES, RESULTS, put, with_kept
from bench.sending import measure_sending
from infra.local.child import ROOT
from infra.local.errors import StartError

_CONDITIONS = "nothing else was measured meanwhile"
TEMPLATES = ROOT.parent / "shared" / "data" / "templates"


def main(arguments: list[str]) -> int:
    """Returns the exit code: 1 where something could not be measured or an answered hit was not stored."""
    options = _options(arguments)
    if not hasattr(os, "sched_setaffinity"):
        return _complain("The benchmark gives each process a CPU of its own, which it can only do on Linux.")
    signal.signal(signal.SIGTERM, _interrupt)
    seats = Seats.choose()
    if seats.server == seats.storage:
        print("There is only one CPU: Heed and its storage share it, and the figures say little.")
    try:
        with inherited(seats.server):
            timings = measure_mail(options.templates)
        bench = Bench(seats, choose_generator(own=options.own_load), options.rounds, options.seconds)
        rounds = measure_hits(bench)
        lists = [] if options.no_lists else measure_lists()
        costs = [] if options.no_busy else measure_busy(options.opens)
        findings = [] if options.no_sending else measure_sending()
        cold_start = measure_cold_start()
        apart = None if options.no_apart else apart_section(measure_apart())
        pages = None if options.no_pages else pages_section(asyncio.run(measure_pages()))
    except KeyboardInterrupt:
        return _complain("Stopped; nothing was written.")
    except (LoadError, StartError, WrongCount) as error:
        return _complain(str(error))
    results = render(bench, rounds, timings, lists, costs, findings)
    RESULTS.write_text(with_kept(results), encoding="utf-8")
    put(COLD_START, cold_start, _CONDITIONS)
    if apart is not None:
        put(APART, apart, _CONDITIONS)
    if pages is not None:
        put(PAGES, pages, _CONDITIONS)
    print(f"Written: {RESULTS.relative_to(ROOT)}")
    return 0 if all(_is_durable(measurements) for measurements in rounds.values()) else 1


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure Heed; writes bench/RESULTS.md.")
    parser.add_argument("--rounds", type=int, default=9, help="how often each contender is measured (9)")
    parser.add_argument("--seconds", type=int, default=2, help="how long each time, after the warm-up (2)")
    parser.add_argument("--own-load", action="store_true", help="do not use wrk, though it is installed")
    parser.add_argument("--templates", type=Path, default=TEMPLATES, help="a folder of HTML mails to rewrite as well")
    parser.add_argument("--no-sending", action="store_true", help="leave out what takes minutes: mail on its way")
    parser.add_argument("--no-lists", action="store_true", help="leave out lists of 100,000 messages")
    parser.add_argument("--no-busy", action="store_true", help="leave out many opens of one mail, and of many")
    parser.add_argument("--no-apart", action="store_true", help="leave out a pixel beside the CRM's worst load")
    parser.add_argument("--no-pages", action="store_true", help="leave out pages of the console")
    parser.add_argument("--opens", type=int, default=OPENS, help=f"how many these are ({OPENS})")
    return parser.parse_args(arguments)


def _is_durable(measurements: list[Measurement]) -> bool:
    return all(measurement.is_durable for measurement in measurements)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _complain(text: str) -> int:
    print(text, file=sys.stderr)
    return 1


sys.exit(main(sys.argv[1:]))
