"""The Outlook add-in's manifests as files, and its icons."""
