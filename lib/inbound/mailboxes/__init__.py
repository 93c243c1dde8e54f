"""Mailboxes: folders on IMAP servers and in Microsoft Graph that Heed polls for new mail."""
