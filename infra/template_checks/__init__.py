"""Checks of the Bicep templates that need neither the Bicep compiler nor Azure.

`python -m infra.template_checks [folder]` tells what is wrong with a folder of templates. Two parsers must understand
each file; then names, parameters, properties, settings, roles, queues and alerts are held against the code and Azure's
own client libraries. Each check takes a folder's templates and returns lines of text, so that a broken copy of a folder
can be checked as well.
"""
