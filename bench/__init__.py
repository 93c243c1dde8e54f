"""Benchmarks: what a hit costs, and what rewriting a mail costs. `python -m bench` writes RESULTS.md; no tests are here.

`hits` measures the pixel and the redirect against two bare handlers (`contenders`, `bare_server`), `mail` the work that
is done once for each message. It needs Linux, and two CPUs to be worth anything.
"""
