"""Builds the package that is deployed: `make package`.

The package holds the app, the locked versions of what the app needs, and compiled files of both. Compiled files name no
time of their source (`unchecked-hash`), so Python takes them as they are. The same commit, Python and versions give the
same bytes.
"""
