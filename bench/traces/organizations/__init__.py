"""Organizations: what senders, recipients and gateways do over months, so that evidence can add up over many mails.

A mail by itself, as in `bench.traces.scenarios`, cannot show what a judge with a memory may learn. Here six senders
write to some 300 people at 60 companies for 104 days. In another setting one sender does, and most recipients read on
phones behind one carrier's few addresses, as the sender does. Recipients keep their devices, networks and habits; a
company keeps its gateway, which scans in its own way; a scanning product serves several companies from its own
networks.

`vendors`, `devices` and `world` are who is there; `copies` is a mail in the making; `at_delivery`, `at_click`,
`afterwards`, `own_side`, `readers` and `hidden` are kinds of behavior, each a function whose docstring says who acts,
what tells it apart or that nothing does, and the source; `kinds` lists them; `wire` adds what clients send; `play` lets
it all happen. `sessions` says where senders work in the console meanwhile. `replay` asks judges in the order of time,
`measures` scores them, and `tables` renders the figures.
"""

TUNING_SEEDS = (31, 32, 33)
"""Organizations on which rules and weights may be tuned."""

REPORTING_SEEDS = (901, 902, 903, 904, 905)
"""Organizations on which figures are reported. Nothing is tuned on them."""

DAYS = 104
"""Length of the play: 90 days of history, and the fortnight that is judged with it."""
