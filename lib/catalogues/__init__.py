"""Catalogues: what is known of networks, agents and mail gateways, as data. Each row has its source and its date.

A deployment adds to them, and corrects them, without a change of code: it puts files of the same names into a folder
of its own and names that in `HEED_CATALOGUES`. A broken row stops the start, with its line number.
"""
