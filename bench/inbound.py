"""Measure how long inbound mails take to read and to classify, and how much memory: real ones and hostile ones.

`python -m bench.inbound` prints the slowest and the largest, and answers with 1 where a mail takes over a second of
CPU or 200 MB. Real mails are the samples beside the repository, where they are there. Each hostile mail is measured in
a process of its own, from its first byte in memory on.
"""

from __future__ import annotations

import argparse
import base64
import multiprocessing
import resource
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

from bench.sections import INBOUND, put
from infra.local.child import ROOT
from lib.inbound.excerpts import excerpt
from lib.inbound.kinds import classify
from lib.inbound.wording import readable_text
from lib.mime.read import BadMail
from lib.mime.received import read_received

SAMPLES = ROOT.parent / "shared" / "data" / "mail"
MOST_SECONDS, MOST_MEGABYTES = 1.0, 200.0
_MB = 1_000_000
_HEAD = (
    b"From: MAILER-DAEMON@mx.example\r\nTo: rep@acme.example\r\nDate: Mon, 4 May 2026 09:30:00 +0000\r\n"
    b"Auto-Submitted: auto-replied\r\nSubject: Mail delivery failed\r\n"
)
_MULTIPART = b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
HOSTILE: dict[str, Callable[[], bytes]] = {
    "25 MB of text": lambda: _with(b"text/plain", b"a@b.example\n" * (24 * _MB // 12)),
    "25 MB of HTML tags": lambda: _with(b"text/html", b"<a " * (8 * _MB)),
    "25 MB of quoted-printable": lambda: _with(
        b"text/plain\r\nContent-Transfer-Encoding: quoted-printable", b"=41" * (8 * _MB)
    ),
    "18 MB in base64": lambda: _with(
        b"application/pdf\r\nContent-Transfer-Encoding: base64", base64.encodebytes(b"a" * (18 * _MB))
    ),
    "25 MB in lines that end in CR": lambda: _HEAD.replace(b"\r\n", b"\r") + b"\r" * (24 * _MB),
    "25 MB in UTF-16": lambda: b"\xff\xfe" + (_HEAD.decode() + "\r\n" + "\U0001f600" * (6 * _MB)).encode("utf-16-le"),
    "25 MB without a blank line": lambda: _HEAD + b"x\n" * (12 * _MB),
    "a mail of 24 MB in base64 inside": lambda: _with(
        b"message/rfc822\r\nContent-Transfer-Encoding: base64",
        base64.encodebytes(_with(b"text/plain", b"x\n" * (8 * _MB))),
    ),
    "30 levels around 20 MB": lambda: (
        _HEAD
        + b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(30))
        + b"\r\n" + b"x\n" * (10 * _MB)
    ),
    "200,000 parts": lambda: _HEAD + _MULTIPART + b"--b\r\n\r\nx\r\n" * 200_000,
    "9,999 lines like a boundary": lambda: _HEAD + _MULTIPART + b"--b\r\n\r\n" + b"\n--bb" * 9_999,
    "headers in each of 490 parts": lambda: _HEAD + _MULTIPART + (b"--b\r\n" + b"A: b\r\n" * 300 + b"\r\nx\r\n") * 490,
    "64 KB of recipients": lambda: _HEAD + b"Cc: " + b"a@b.example, " * 4_900 + b"\r\n\r\nHi",
    "64 KB of ids": lambda: _HEAD + b"References: " + b"<a@b> " * 10_600 + b"\r\n\r\nHi",
    "64 KB of encoded words": lambda: _HEAD + b"Subject: " + b"=?a?q?" * 10_600 + b"\r\n\r\nHi",
    "500 KB of recipients in a report": lambda: _with(
        b"message/delivery-status", b"Final-Recipient: rfc822;a@b.example\nAction: failed\n\n" * 9_000
    ),
    "1 MB of flowed lines": lambda: _with(b"text/plain; format=flowed", b"> \n" * 330_000),
    "1 MB of dates": lambda: _with(b"text/plain", b"until 12 May " * 77_000),
    "1 MB of lines before quotes": lambda: _with(b"text/plain", b"On 1 May a <b@c.example>\n" * 40_000),
    "1 MB of addresses in a bounce": lambda: _with(b"text/plain", b"<a@b.example>:\n" * 66_000),
    "1 MB of damaged characters": lambda: _with(b"text/plain; charset=iso-2022-jp", b"\x1b$B\xff\xff" * 200_000),
}  # fmt: skip


class Reading(NamedTuple):
    """One mail, read and classified."""

    name: str
    outcome: str
    """Its kind, or why it is refused."""
    reading: float
    """Seconds of CPU; of classification and the excerpt in `classifying`."""
    classifying: float
    megabytes: float = 0.0
    """The most memory that its process had beyond what it had before, the mail itself included."""


def _with(content_type: bytes, body: bytes) -> bytes:
    return _HEAD + b"Content-Type: " + content_type + b"\r\n\r\n" + body


def measure_mail(name: str, raw: bytes) -> Reading:
    """Read and classify one mail."""
    begun = time.process_time()
    try:
        mail = read_received(raw)
    except BadMail as error:
        return Reading(name, f"refused: {error}", time.process_time() - begun, 0.0)
    read = time.process_time()
    kind = classify(mail).kind
    excerpt(readable_text(mail))
    return Reading(name, kind, read - begun, time.process_time() - read)


def _measure_hostile(name: str) -> Reading:
    """Measure in a process of its own."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = measure_mail(name, HOSTILE[name]())
    return found._replace(megabytes=(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)


def _measure_real() -> list[Reading]:
    """Measure the real mails in a process of their own, each with the memory that all up to it have taken."""
    real: list[Reading] = []
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for path in sorted(SAMPLES.glob("*.eml")):
        raw = path.read_bytes()
        rounds = [measure_mail(path.stem, raw) for _ in range(5)]
        best = min(rounds, key=lambda each: each.reading + each.classifying)
        used = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        real.append(best._replace(megabytes=used))
    return real


def measure_inbound() -> tuple[list[Reading], list[Reading]]:
    """Return the real mails, and the hostile ones."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn, max_tasks_per_child=1) as pool:
        return pool.submit(_measure_real).result(), list(pool.map(_measure_hostile, HOSTILE))


def describe_readings(real: list[Reading], hostile: list[Reading]) -> str:
    """Return the section's text."""
    lines = [
        "Seconds of CPU to read a mail, and to tell its kind and make its excerpt; the target is a second at most, and "
        "200 MB, for any mail, and 5 ms for what comes after reading.",
        "",
    ]
    if real:
        reading = [each.reading * 1000 for each in real]
        classifying = [each.classifying * 1000 for each in real]
        lines += [
            f"{len(real)} real mails: {statistics.mean(reading):.2f} ms to read ({max(reading):.1f} at most), "
            f"{statistics.mean(classifying):.2f} ms after that ({max(classifying):.1f} at most); "
            f"{max(each.megabytes for each in real):.0f} MB for all of them in one process.",
            "",
        ]
    lines += ["| hostile mail | read, s | classified, s | MB | outcome |", "|---|---:|---:|---:|---|"]
    lines += [
        f"| {each.name} | {each.reading:.2f} | {each.classifying:.3f} | {each.megabytes:.0f} | {each.outcome} |"
        for each in sorted(hostile, key=lambda each: -each.reading - each.classifying)
    ]
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.inbound", description="Measure reading inbound mail.")
    parser.add_argument("--write", action="store_true", help="write the section of bench/RESULTS.md")
    parser.add_argument("--conditions", default="nothing else ran", help="what else the machine did, for the section")
    options = parser.parse_args(arguments)
    real, hostile = measure_inbound()
    text = describe_readings(real, hostile)
    print(text)
    if options.write:
        put(INBOUND, text, options.conditions)
    readings = [*real, *hostile]
    slow = [each for each in readings if each.reading + each.classifying > MOST_SECONDS]
    return 1 if slow or any(each.megabytes > MOST_MEGABYTES for each in readings) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
