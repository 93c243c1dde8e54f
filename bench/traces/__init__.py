"""The judge's replay benchmark: labelled traces of requests for sent mails, scored for Heed and for others' rules.

`python -m bench.traces` writes RESULTS.md. Traces are generated, because real logs say who asked only as far as a
filter believed to know; here the truth is known, and anyone can repeat it from the seeds. What people, mail programs
and scanners do follows the sources that each module names; where there is none, it says that it assumes.

`trace` is what a trace holds; `addresses`, `agents` and `timing` are what scenarios draw from; `people` and `scanners`
are who asks; `scenarios` puts them together, a family a module; `generate` mixes them. `score` compares a judge's
decisions with the truth; `rivals` are published rules of others; `heed` is Heed's judge. `organizations` plays whole
organizations over months, for what one mail cannot show.
"""
