"""What of an address of mail is compared."""

from __future__ import annotations


def same_mailbox(email: str) -> str:
    """What two spellings of an address have in common. Servers that tell cases apart are not to be found."""
    return email.lower()


def domain_of(email: str) -> str:
    """Where its mail goes, as domains are compared."""
    return email.rpartition("@")[2].lower()
