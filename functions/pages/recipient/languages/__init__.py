"""The words of the recipient's page, a module for each language."""
