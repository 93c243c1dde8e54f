"""Visits in storage in memory."""

from __future__ import annotations

import pytest

from lib.storage import Storage
from lib.storage.memory import memory_storage
from tests.support.visits_suite import VisitsSuite


class TestVisitsInMemory(VisitsSuite):
    @pytest.fixture
    def storage(self) -> Storage:
        return memory_storage()
