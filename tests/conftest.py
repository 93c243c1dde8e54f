"""What tests of every folder have in common: the order of the files, Hypothesis's profiles, servers, a look at the log.

Each server is started at most once, on free ports.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings

from infra.local.servers.azurite import Azurite, start_azurite
from tests.support.judging import weigh_anew
from tests.support.leaks import look_at_files, raise_leaks, watch_log, watch_spans

# An example that is slow on a busy machine is no failure. The examples are the same ones each time, so that a change is
# not refused for what it has not touched; `make fuzz` looks for new ones.
settings.register_profile("heed", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None, max_examples=300)
settings.register_profile("fuzz", deadline=None, max_examples=3000)
settings.load_profile("heed")

_LONG = tuple(
    f"tests/{folder}/"
    for folder in (
        "faults",
        "end_to_end",
        "walls",
        "upgrade",
        "clients",
        "azurite",
        "servicebus",
        "browser",
        "console",
        "outlook",
        "demo",
        "heed",
        "infra",
    )
)
"""Folders whose files take long, as their tests start servers and processes."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Bring long files first: several processes that share the files then end at about the same time."""
    items.sort(key=lambda item: not item.nodeid.startswith(_LONG))


def pytest_sessionstart(session: pytest.Session) -> None:
    """Look at all lines of the log and all spans; tests see no other lines than before."""
    logs: Any = session.config.pluginmanager.get_plugin("logging-plugin")
    watch_log(logs.caplog_handler, logs.report_handler)
    watch_spans()


@pytest.fixture(autouse=True)
def nothing_leaks() -> Iterator[None]:
    """No line and no span of a test holds an address, a key, a token or a secret."""
    yield
    raise_leaks()


@pytest.fixture(scope="session", autouse=True)
def no_process_leaks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nor does a line of a process that tests have started."""
    yield
    look_at_files(tmp_path_factory.getbasetemp())
    raise_leaks()


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    """A real Azurite, empty at the start. Tests share it: take names of your own for what you make."""
    running = start_azurite(tmp_path_factory.mktemp("azurite"))
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def weighed() -> Iterator[None]:
    """Nothing that a test has weighed with weights of its own is left to the next one."""
    yield
    weigh_anew()
