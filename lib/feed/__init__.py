"""The feed of an organization: events in the order in which they were committed, kept for 30 days."""
