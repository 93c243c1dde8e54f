"""Webhooks: subscriptions to the feed, and the delivery of its events to their addresses."""
