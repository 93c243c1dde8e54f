"""What stands in for Azure on one machine: Azurite, a mail catcher, and a host for `function_app.py`.

It is for development and tests. `python -m infra.local` starts all of it (`run`); `host` is the Functions host,
with a module for each kind of trigger; `azurite` and `mail_catcher` start the servers, which tests use too.
"""
