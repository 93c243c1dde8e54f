"""Files of a message: attachments, followed or not, and the images of its body.

A followed attachment is a link in the mail, and every copy's link says who views it; any other one travels in the mail.
The rows `a…` of the message's partition say what there is; the bytes are blobs, whose names no user has typed.
"""
