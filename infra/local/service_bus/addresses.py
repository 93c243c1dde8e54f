"""How the Azure SDK is pointed at the loopback broker."""


def connection_string(port: int) -> str:
    """Of a broker on that port of this machine. `UseDevelopmentEmulator` has clients do without TLS; nobody looks at
    the key, but the SDK wants one.
    """
    return (
        f"Endpoint=sb://127.0.0.1:{port};SharedAccessKeyName=RootManageSharedAccessKey;"
        "SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true;"
    )
