"""Ways to hand a composed message over, and what can become of that."""

from lib.transports.protocol import Accepted, Envelope, Outcome, Refused, Transport, Unknown

__all__ = ["Accepted", "Envelope", "Outcome", "Refused", "Transport", "Unknown"]
