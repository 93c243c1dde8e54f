"""Monthly costs of a deployment that does nothing, computed from a dated table of prices, for docs/costs.md."""
