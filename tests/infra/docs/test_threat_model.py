"""The threat model names tests that are there."""

from __future__ import annotations

import re

from infra.local.child import ROOT

_TEST = re.compile(r"`(tests/[\w/]+\.py)`")


def test_every_test_that_the_threat_model_names_is_there() -> None:
    named = set(_TEST.findall((ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")))

    assert len(named) > 40
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []
