"""Other weights for a test: what was weighed before is forgotten then, and afterwards."""

from __future__ import annotations

import lib.verdicts.weighing as weighing


def weigh_anew() -> None:
    """Forget what findings added up to: weights or priors are others now."""
    weighing.add_signs.cache_clear()
    weighing._ranked.cache_clear()
    weighing.conclude.cache_clear()
