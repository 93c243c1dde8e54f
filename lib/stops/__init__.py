"""Stops: whose hits are not to be recorded, and which links are switched off.

A stop acts on mail that was sent already. Tokens carry a short hash of the recipient's address, so that a list in
memory (`lib.stops.stop_list`) stops the recording without a read of storage. The list is at most `REFRESH` seconds
old. What comes in between, and by tokens without an address, the assessor takes out (`lib.assessment.refusals`).
"""
