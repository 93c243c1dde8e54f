"""Files of a message: attachments, followed or not, and the images of its body.

A followed attachment is a link in the mail, and the link in each copy says who views it; any other attachment travels
in the mail. The rows `a…` of the message's partition describe the files. The bytes are blobs, with names that no user
has typed.
"""
