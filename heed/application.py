"""The commands, by their names."""

from __future__ import annotations

import typer

from heed import (
    address_index,
    backups,
    catalogues,
    checking,
    dead_letters,
    keys,
    lost_facts,
    moves,
    organizations,
    readiness,
    rejudging,
    token_keys,
    transfers,
)

application = typer.Typer(
    help="Commands for operators of Heed. Settings come from the environment, as for the app itself.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # they hold secrets
    add_completion=False,
)
application.add_typer(organizations.commands, name="organizations")
application.add_typer(keys.commands, name="keys")
application.add_typer(token_keys.commands, name="token-keys")
application.add_typer(catalogues.commands, name="catalogues")
application.add_typer(dead_letters.commands, name="dead-letters")
application.command("backup")(backups.backup_organization)
application.command("restore")(backups.restore_organization)
application.command("check")(checking.check_organization)
application.command("move")(moves.move_organization)
application.command("export")(transfers.export_organization)
application.command("import")(transfers.import_organization)
application.command("replay-log")(lost_facts.replay_log)
application.command("rejudge")(rejudging.rejudge_organization)
application.command("index-addresses")(address_index.index_addresses)
application.command("readiness")(readiness.tell_readiness)
