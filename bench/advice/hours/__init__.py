"""Benchmark of the hours that are advised: simulated readers with and without habits, Heed and rivals."""

from bench.advice.hours.section import section

__all__ = ["section"]
