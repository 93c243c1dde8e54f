"""A recipient's wish about being followed."""

from typing import Literal

Preference = Literal["allow", "do_not_allow", "unknown"]
