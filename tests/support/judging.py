"""Other weights for a test: what was weighed before is forgotten then, and afterwards."""

from __future__ import annotations

from importlib import import_module

import lib.verdicts.weighing as weighing

judge = import_module("lib.verdicts.judge")


def weigh_anew() -> None:
    """Forget what findings added up to: weights or priors are others now."""
    weighing.signs_of.cache_clear()
    weighing.add_signs.cache_clear()
    weighing._reason.cache_clear()
    weighing.conclude.cache_clear()
    judge._of_request.cache_clear()
