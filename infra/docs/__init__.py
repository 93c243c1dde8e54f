"""Documentation that is made from the code, and checks that the rest of it still fits the code.

`tables` renders what the code knows (settings, metrics, decisions) into marked places of pages. `links` finds links and
paths that lead nowhere. `python -m infra.docs` writes the tables; with `--check` it tells what is wrong.
"""
