"""The people and things that mail is about: users, records, addresses, consents, calls."""
