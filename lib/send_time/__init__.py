"""Delivery advice: when a mail is best sent to one recipient, and why.

`places` and `countries` say where the recipient is, `office_hours` when people work there, `habits` when this one reads
mail, `advice` puts it together; all of these are pure. `advisor` reads what they need from storage.
"""
