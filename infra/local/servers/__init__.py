"""Servers that the local host and the tests start beside themselves."""
