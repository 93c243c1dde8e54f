"""What the Functions host loads: the settings are read and checked, the services built, the triggers registered."""

from functions.start import start

app = start()
