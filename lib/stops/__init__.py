"""Stops: whose hits are not to be recorded, and which links are switched off."""
