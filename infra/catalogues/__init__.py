"""Makers of the data files that packages of `lib` ship. Run by developers, never by the app."""
