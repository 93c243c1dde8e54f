"""Delivery advice: when a mail is best sent to one recipient, and why.

`places` and `countries` find out where the recipient is, `office_hours` when people work there, `habits` when this
recipient reads mail. `advice` combines them. All of these are pure; `advisor` reads their input from storage.
"""
