"""The recipient's page, without its HTML: what recipients decide, how they prove who they are, what they are shown.

A link of a mail may be in anyone's hands, because mail is forwarded. So such a link stops the recording and shows
nothing. Seeing and erasing need a link that was sent to the address (`proofs`), which lasts for half an hour.
"""
