"""Mail providers on this machine, which keep to the published contracts and count what they really send."""
