"""What the Functions host loads: the settings are read and checked, the services built, the triggers registered."""

from functions.app import make_app
from lib.services import build
from lib.settings import load_settings

app = make_app(build(load_settings()))
