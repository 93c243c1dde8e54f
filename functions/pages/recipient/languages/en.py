"""The page in English."""

from functions.pages.recipient.words import Words

WORDS = Words(
    title="Your mail, your choice",
    languages="Language",
    intro="{organization} can see when some of its mail is opened and which links in it are used. You decide whether "
    "that may be recorded about you.",
    intro_without_name="The sender can see when this mail is opened and which links in it are used. You decide whether "
    "that may be recorded about you.",
    stop="Stop the recording",
    stop_text="From then on nothing more is recorded about you, not even for mail that you already have. Links in that "
    "mail go on working. Mail itself does not stop: to get no more of it, answer the sender.",
    stop_button="Stop the recording",
    several_text="This mail went to several people. Please say which address is yours.",
    address="Your e-mail address",
    address_hint="The address that the mail was sent to, such as name@example.com",
    address_wrong="This is not a whole e-mail address. It should look like name@example.com.",
    see="See or erase what is recorded",
    see_text="A mail can be forwarded, and its links with it. So that only you see your data, we send a link to your "
    "address. It works for 30 minutes. An address gets at most three such mails in an hour.",
    see_button="Send me the link",
    see_without_mail="We cannot send you a link from here. To see or erase what is recorded about you, please answer "
    "the mail and ask its sender.",
    allow="Allow the recording",
    allow_text="If you have stopped the recording and changed your mind, you can allow it again.",
    allow_button="Allow the recording",
    stopped="The recording is stopped",
    stopped_text="Nothing more is recorded about you, not even for mail that you already have. It takes at most a "
    "minute until this works everywhere. What was recorded before stays until you have it erased.",
    take_back_button="That was a mistake: allow it again",
    stop_asked="Your wish is being carried out",
    stop_asked_text="If the mail was sent to this address, nothing more is recorded about it in a minute or two. For "
    "your protection this page says the same for every address.",
    allowed="The recording is allowed",
    allowed_text="The sender can see again when you open mail and which links you use. You can stop that at any time.",
    allow_asked="Look into your mailbox",
    allow_asked_text="So that nobody else says yes in your place, we are sending a link to your address, by which you "
    "can allow the recording.",
    link_asked="Look into your mailbox",
    link_asked_text="If the mail was sent to your address, a link is on its way there. It works for 30 minutes. An "
    "address gets at most three such mails in an hour.",
    gone="This mail is no longer known",
    gone_text="The sender has deleted it, and nothing more is recorded of it. To stop the recording of other mail, "
    "please use the link in a newer one.",
    broken="This link is not complete",
    broken_text="A part of the address was lost on its way. Please go back to the mail and open the link from there.",
    unreachable="That did not work just now",
    unreachable_text="We cannot reach our storage and cannot say that your wish was carried out. Please try again in a "
    "minute.",
    too_often="That was too often",
    too_often_text="This link was used very often just now, so that this wish was not carried out. "
    "Please try again in a minute.",
    again_button="Try again",
    back="Back",
    proof="This link is for you alone",
    proof_text="It was sent to your address, and shows what is recorded about you. Do not pass it on. It works until "
    "{time}.",
    proof_button="Show what is recorded",
    proof_old="This link is too old",
    proof_old_text="Such links work for 30 minutes. Please open the page from the mail again and ask for a new one.",
    recorded="What is recorded about {email}",
    recorded_text="This is what is recorded of mail between you and {organization}. Times are in UTC.",
    state_on="Recording is not stopped.",
    state_stopped="The recording is stopped.",
    mails="Mail",
    no_mails="No mail was found.",
    sent_to_you="Sent to you",
    sent_by_you="Sent by you",
    not_followed="This mail was not followed: no opens and clicks were recorded.",
    nothing_recorded="Nothing was recorded.",
    shared="This mail went to several people in one copy. What was recorded of it does not tell who it was, and is "
    "therefore not shown here.",
    more_acts="More was recorded; the newest {count} entries are shown.",
    further_text="There may be older mail.",
    further_button="Look through older mail",
    what="What",
    when="When",
    network="Network",
    device="Device",
    judged="Taken for",
    because="Because",
    unknown="unknown",
    kinds={
        "open": "Mail opened",
        "click": "Link used",
        "attachment_view": "File viewed",
        "reply": "Answer",
        "calendar_answer": "Answer to an invitation",
        "read_receipt": "Read receipt",
        "forward": "Forwarded",
        "auto_reply": "Automatic answer",
        "bounce": "Not delivered",
        "complaint": "Reported as spam",
    },
    classes={"human": "a person", "machine": "a program, such as a virus scanner", "uncertain": "not clear who"},
    device_types={"phone": "phone", "tablet": "tablet", "desktop": "computer"},
    consents="What you have said",
    no_consents="No statement of yours is recorded.",
    said_yes="Recording allowed",
    said_no="Recording refused",
    basis="Basis",
    source="Said where",
    own_page="on this page",
    responsible="Who is responsible",
    responsible_text="Responsible for this is {organization}.",
    lawful_basis="Basis in law: {basis}.",
    bases={"consent": "your consent", "legitimate_interest": "legitimate interest", "contract": "a contract with you"},
    notice="Privacy notice",
    other_data="The sender may hold other data about you, such as in its customer files. Please ask the sender for "
    "that.",
    erase="Erase what is recorded",
    erase_text="This erases opens, clicks, answers and statements. The sender's own sent mail stays with the sender.",
    erase_button="Erase …",
    confirm="Really erase everything?",
    confirm_text="What is recorded about {email} is erased and cannot be brought back. The recording itself is "
    "stopped, too.",
    confirm_button="Yes, erase it",
    erasing="Your data is being erased",
    erasing_text="That goes on by itself, and can take some minutes. The recording is stopped. The number of your "
    "request is {job}; the sender can tell you by it what was erased.",
    erased="Nothing is recorded here any more",
    erased_text="The mail that this link came from was deleted, or your data was erased. To stop the recording of "
    "other mail, please use the link in a newer one.",
    months=(
        "January", "February", "March", "April", "May", "June",
        "July", "August", "September", "October", "November", "December",
    ),
    date="{day} {month} {year}, {time}",
)  # fmt: skip
