"""Reasons for which a person cannot sign in. Each text is a sentence for the caller, and repeats no token."""

from __future__ import annotations


class BadToken(Exception):
    """The token proves nothing."""


class Expired(BadToken):
    """The token was good once, so that its bearer guesses nothing."""


class NotEntitled(Exception):
    """The token is good, and the person that it names may not do anything here."""


class ProviderDown(Exception):
    """The provider's keys cannot be had, so that no token can be checked."""
