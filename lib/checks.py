"""Remarks on a draft that its author should see before it is sent."""

from __future__ import annotations

from pydantic import BaseModel


class Check(BaseModel):
    """`code` is stable and for programs, `text` is for people and says what to do."""

    code: str
    text: str
