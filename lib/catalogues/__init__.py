"""Catalogues: data about networks, user agents and mail gateways. Each row has its source and its date.

A deployment adds rows and corrects rows without a change of code: it puts files of the same names into a folder of its
own and names the folder in `HEED_CATALOGUES`. A broken row stops the start, with its line number.
"""
