"""Stand-ins for Azure on one machine: Azurite, a mail catcher, and a host for `function_app.py`.

They are for development and tests. `python -m infra.local` starts all of them (`run`). The package `host` does what the
Functions host does, with a module for each kind of trigger; `servers` starts Azurite and the mail catcher.
"""
