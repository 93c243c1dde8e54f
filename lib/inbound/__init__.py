"""Inbound mail: the ways in, and what becomes of a mail that comes."""
