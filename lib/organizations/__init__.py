"""Organizations: the registry, their settings, their API keys, and their idempotent requests."""
