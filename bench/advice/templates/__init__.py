"""Simulated organizations whose templates have known true rates, and what is recommended there."""
