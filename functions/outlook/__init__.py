"""The Outlook add-in: its pages and files, the way in, and its manifests."""
