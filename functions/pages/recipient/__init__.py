"""The recipient's page: its words in five languages, and its HTML."""
