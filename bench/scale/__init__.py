"""How far Heed goes: what each step asks of storage, which published limit is hit first, and what a month costs.

`python -m bench.scale --measure` counts the requests of each step on this machine and keeps them in `steps.json`;
`python -m bench.scale` computes docs/scale.md and its plot from these, from `limits.csv` and from the prices of
`infra/costs`. Nothing here was measured in Azure.
"""
