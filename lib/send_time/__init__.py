"""Delivery advice: when a mail is best sent to one recipient, and why.

`places` and `countries` find out where the recipient is, `office_hours` when people work there, `reading` how long mail
waited to be read by this recipient, `patterns` which habits explain the waits, and `habits` which time is better by
them. `advice` combines them. All of these are pure; `advisor` reads their input from storage.
"""
