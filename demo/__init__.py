"""The demo: `make demo` fills the Heed of `make run` with an organization that has three months behind it.

The benchmark's organizations (`bench.traces.organizations`) say who reads, scans, clicks and answers when. `cast` gives
them names, `script` orders the events of 90 days, and `stage` is Heed itself in this process, over storage in memory
and with a clock that each event sets. So all that a user sees was made by the same code that runs in production: the
sent mail, verdicts, cards, reminders, rates. `copying` then writes the rows and files to the storage of the running
system, the organization's own row last, so that a demo that is broken off is not there at all.

None of this is deployed, and no setting leads here.
"""
