"""Benchmarks: what a hit costs, and what rewriting a mail costs. `python -m bench` writes RESULTS.md.

`hits` measures the pixel and the redirect beside two bare handlers (`bare_server`), under a `load`, on `processors` of
their own, with what they need in `storage`; `mail` measures what is done once for each message. It needs Linux.
"""
