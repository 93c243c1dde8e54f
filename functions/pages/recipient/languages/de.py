"""The page in German."""

from functions.pages.recipient.words import Words

WORDS = Words(
    title="Ihre E-Mails, Ihre Entscheidung",
    languages="Sprache",
    intro="{organization} kann bei manchen E-Mails sehen, wann sie geöffnet und welche Links darin benutzt werden. Ob "
    "das über Sie aufgezeichnet werden darf, entscheiden Sie.",
    intro_without_name="Der Absender kann sehen, wann diese E-Mail geöffnet wird und welche Links darin benutzt "
    "werden. Ob das über Sie aufgezeichnet werden darf, entscheiden Sie.",
    stop="Aufzeichnung beenden",
    stop_text="Von da an wird nichts mehr über Sie aufgezeichnet, auch nicht bei E-Mails, die Sie schon haben. Die "
    "Links darin funktionieren weiter. E-Mails bekommen Sie weiterhin: Wenn Sie keine mehr möchten, antworten Sie dem "
    "Absender.",
    stop_button="Aufzeichnung beenden",
    several_text="Diese E-Mail ging an mehrere Personen. Bitte geben Sie an, welche Adresse Ihre ist.",
    address="Ihre E-Mail-Adresse",
    address_hint="Die Adresse, an die die E-Mail ging, zum Beispiel name@example.com",
    address_wrong="Das ist keine vollständige E-Mail-Adresse. Sie sieht etwa so aus: name@example.com.",
    see="Gespeichertes ansehen oder löschen",
    see_text="E-Mails können weitergeleitet werden, und ihre Links mit ihnen. Damit nur Sie Ihre Daten sehen, schicken "
    "wir einen Link an Ihre Adresse. Er gilt 30 Minuten. Eine Adresse bekommt höchstens drei solche E-Mails in der "
    "Stunde.",
    see_button="Link anfordern",
    see_without_mail="Von hier aus können wir Ihnen keinen Link schicken. Wenn Sie Ihre Daten sehen oder löschen "
    "möchten, antworten Sie bitte auf die E-Mail und fragen Sie den Absender.",
    allow="Aufzeichnung erlauben",
    allow_text="Wenn Sie die Aufzeichnung beendet haben und es sich anders überlegen, können Sie sie wieder erlauben.",
    allow_button="Aufzeichnung erlauben",
    stopped="Die Aufzeichnung ist beendet",
    stopped_text="Es wird nichts mehr über Sie aufgezeichnet, auch nicht bei E-Mails, die Sie schon haben. Bis das "
    "überall wirkt, vergeht höchstens eine Minute. Was vorher aufgezeichnet wurde, bleibt, bis Sie es löschen lassen.",
    take_back_button="Das war ein Versehen: wieder erlauben",
    stop_asked="Ihr Wunsch wird ausgeführt",
    stop_asked_text="Wenn die E-Mail an diese Adresse ging, wird in ein bis zwei Minuten nichts mehr über sie "
    "aufgezeichnet. Zu Ihrem Schutz sagt diese Seite bei jeder Adresse dasselbe.",
    allowed="Die Aufzeichnung ist erlaubt",
    allowed_text="Der Absender kann wieder sehen, wann Sie E-Mails öffnen und welche Links Sie benutzen. Sie können "
    "das jederzeit beenden.",
    allow_asked="Bitte sehen Sie in Ihr Postfach",
    allow_asked_text="Damit niemand anderes für Sie Ja sagt, schicken wir einen Link an Ihre Adresse, mit dem Sie die "
    "Aufzeichnung erlauben können.",
    link_asked="Bitte sehen Sie in Ihr Postfach",
    link_asked_text="Wenn die E-Mail an Ihre Adresse ging, ist ein Link dorthin unterwegs. Er gilt 30 Minuten. Eine "
    "Adresse bekommt höchstens drei solche E-Mails in der Stunde.",
    gone="Diese E-Mail ist nicht mehr bekannt",
    gone_text="Der Absender hat sie gelöscht, und es wird nichts mehr dazu aufgezeichnet. Wenn Sie die Aufzeichnung "
    "bei anderen E-Mails beenden möchten, benutzen Sie bitte den Link in einer neueren.",
    broken="Dieser Link ist nicht vollständig",
    broken_text="Ein Teil der Adresse ist unterwegs verloren gegangen. Bitte gehen Sie zurück zur E-Mail und öffnen "
    "Sie den Link von dort.",
    unreachable="Das hat gerade nicht geklappt",
    unreachable_text="Wir erreichen unseren Speicher nicht und können nicht sagen, dass Ihr Wunsch ausgeführt wurde. "
    "Bitte versuchen Sie es in einer Minute noch einmal.",
    too_often="Das war zu oft",
    too_often_text="Dieser Link wurde eben sehr oft benutzt, darum wurde dieser Wunsch nicht "
    "ausgeführt. Bitte versuchen Sie es in einer Minute noch einmal.",
    again_button="Noch einmal versuchen",
    back="Zurück",
    proof="Dieser Link ist nur für Sie",
    proof_text="Er wurde an Ihre Adresse geschickt und zeigt, was über Sie gespeichert ist. Geben Sie ihn nicht "
    "weiter. Er gilt bis {time}.",
    proof_button="Gespeichertes ansehen",
    proof_old="Dieser Link ist zu alt",
    proof_old_text="Solche Links gelten 30 Minuten. Bitte öffnen Sie die Seite aus der E-Mail noch einmal und fordern "
    "Sie einen neuen an.",
    recorded="Was über {email} gespeichert ist",
    recorded_text="Das ist über E-Mails zwischen Ihnen und {organization} gespeichert. Die Zeiten sind in UTC.",
    state_on="Die Aufzeichnung ist nicht beendet.",
    state_stopped="Die Aufzeichnung ist beendet.",
    mails="E-Mails",
    no_mails="Es wurden keine E-Mails gefunden.",
    sent_to_you="An Sie gesendet",
    sent_by_you="Von Ihnen gesendet",
    not_followed="Bei dieser E-Mail wurden weder Öffnungen noch Klicks aufgezeichnet.",
    nothing_recorded="Es wurde nichts aufgezeichnet.",
    shared="Diese E-Mail ging in einer einzigen Ausfertigung an mehrere Personen. Was dazu aufgezeichnet wurde, sagt "
    "nicht, wer es war, und wird deshalb hier nicht gezeigt.",
    more_acts="Es wurde mehr aufgezeichnet; gezeigt werden die neuesten {count} Einträge.",
    further_text="Vielleicht gibt es ältere E-Mails.",
    further_button="Ältere E-Mails durchsehen",
    what="Was",
    when="Wann",
    network="Netz",
    device="Gerät",
    judged="Gehalten für",
    because="Weil",
    unknown="unbekannt",
    kinds={
        "open": "E-Mail geöffnet",
        "click": "Link benutzt",
        "attachment_view": "Datei angesehen",
        "reply": "Antwort",
        "calendar_answer": "Antwort auf eine Einladung",
        "read_receipt": "Lesebestätigung",
        "forward": "Weitergeleitet",
        "auto_reply": "Automatische Antwort",
        "bounce": "Nicht zugestellt",
        "complaint": "Als Spam gemeldet",
    },
    classes={
        "human": "einen Menschen",
        "machine": "ein Programm, etwa einen Virenscanner",
        "uncertain": "nicht klar, wer es war",
    },
    device_types={"phone": "Telefon", "tablet": "Tablet", "desktop": "Computer"},
    consents="Was Sie erklärt haben",
    no_consents="Von Ihnen ist keine Erklärung gespeichert.",
    said_yes="Aufzeichnung erlaubt",
    said_no="Aufzeichnung abgelehnt",
    basis="Grundlage",
    source="Erklärt",
    own_page="auf dieser Seite",
    responsible="Wer verantwortlich ist",
    responsible_text="Verantwortlich ist {organization}.",
    lawful_basis="Rechtsgrundlage: {basis}.",
    bases={
        "consent": "Ihre Einwilligung",
        "legitimate_interest": "berechtigtes Interesse",
        "contract": "ein Vertrag mit Ihnen",
    },
    notice="Datenschutzhinweise",
    other_data="Der Absender kann weitere Daten über Sie haben, etwa in seiner Kundenkartei. Danach fragen Sie bitte "
    "ihn selbst.",
    erase="Gespeichertes löschen",
    erase_text="Gelöscht werden Öffnungen, Klicks, Antworten und Erklärungen. Die E-Mails, die der Absender gesendet "
    "hat, bleiben bei ihm.",
    erase_button="Löschen …",
    confirm="Wirklich alles löschen?",
    confirm_text="Was über {email} gespeichert ist, wird gelöscht und lässt sich nicht zurückholen. Auch die "
    "Aufzeichnung wird beendet.",
    confirm_button="Ja, löschen",
    erasing="Ihre Daten werden gelöscht",
    erasing_text="Das geht von selbst weiter und kann einige Minuten dauern. Die Aufzeichnung ist beendet. Ihre "
    "Anfrage hat die Nummer {job}; damit kann Ihnen der Absender sagen, was gelöscht wurde.",
    erased="Hier ist nichts mehr gespeichert",
    erased_text="Die E-Mail, zu der dieser Link gehört, wurde gelöscht, oder Ihre Daten wurden gelöscht. Wenn Sie "
    "die Aufzeichnung bei anderen E-Mails beenden möchten, benutzen Sie bitte den Link in einer "
    "neueren.",
    months=(
        "Januar", "Februar", "März", "April", "Mai", "Juni",
        "Juli", "August", "September", "Oktober", "November", "Dezember",
    ),
    date="{day}. {month} {year}, {time}",
)  # fmt: skip
