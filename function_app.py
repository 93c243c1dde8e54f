"""What the Functions host loads: the settings are read and checked, the services built, the triggers registered."""

import gc

from functions.app import make_app
from lib.operations.logs import quiet_libraries
from lib.services import build
from lib.settings import load_settings

quiet_libraries()
services = build(load_settings())
app = make_app(services)
services.import_ahead()

# What is loaded by now stays for good: the collector need not look at it again and again. A tenth more hits a second.
gc.collect()
gc.freeze()
gc.set_threshold(20_000, 20, 100)
