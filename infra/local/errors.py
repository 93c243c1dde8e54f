"""The error that keeps the local host from starting."""


class StartError(Exception):
    """A start that cannot go on; its text is one line that says what is wrong and how to mend it."""
