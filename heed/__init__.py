"""The operator's commands: `python -m heed`, a thin package over `lib`. The deployed app holds none of it."""
