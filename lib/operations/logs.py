"""Log levels of libraries."""

import logging


def quiet_libraries() -> None:
    """Take only warnings and errors of the Azure SDK.

    At INFO it writes lines for each request to storage, with the ids of organizations and messages in the address, and
    lines for each token and each connection of Service Bus.
    """
    logging.getLogger("azure").setLevel(logging.WARNING)
