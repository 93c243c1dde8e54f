"""Visits over a real Azurite."""

from __future__ import annotations

from tests.support.visits_suite import VisitsSuite


class TestVisitsOverAzurite(VisitsSuite):
    """The suite, on the account of the shared Azurite."""
