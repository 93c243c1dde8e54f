"""Properties that are found when first asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

_Kept = TypeVar("_Kept")


class lazy(Generic[_Kept]):
    """Property that is found when first asked for. `functools.cached_property` takes a lock for that."""

    def __init__(self, find: Callable[[Any], _Kept]) -> None:
        self._find, self._name = find, find.__name__

    def __get__(self, owner: Any, _: type[Any]) -> _Kept:
        found = self._find(owner)
        owner.__dict__[self._name] = found
        return found
