"""The size of the largest mail that is taken, as JSON or as MIME."""

MOST_RECIPIENTS = 500
"""To, Cc and Bcc together."""

LARGEST_HTML = 2_000_000
"""Bytes in UTF-8."""

LARGEST_TEXT = 1_000_000
"""Bytes in UTF-8."""
