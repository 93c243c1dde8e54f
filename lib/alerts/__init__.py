"""Alerts: new cards told in Microsoft Teams or Slack, and a daily digest by mail, as each user chooses."""
