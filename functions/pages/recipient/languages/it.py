"""The page in Italian."""

from functions.pages.recipient.words import Words

WORDS = Words(
    title="Le sue e-mail, la sua scelta",
    languages="Lingua",
    intro="{organization} può vedere quando alcune delle e-mail che invia vengono aperte e quali link vengono usati. È "
    "lei a decidere se questo può essere registrato.",
    intro_without_name="Il mittente può vedere quando questa e-mail viene aperta e quali link vengono usati. È lei a "
    "decidere se questo può essere registrato.",
    stop="Interrompere la registrazione",
    stop_text="Da quel momento non viene più registrato nulla su di lei, nemmeno per le e-mail che ha già ricevuto. I "
    "loro link continuano a funzionare. Continuerà a ricevere e-mail: se non ne vuole più, risponda al mittente.",
    stop_button="Interrompi la registrazione",
    several_text="Questa e-mail è stata inviata a più persone. Indichi qual è il suo indirizzo.",
    address="Il suo indirizzo e-mail",
    address_hint="L’indirizzo a cui è stata inviata l’e-mail, per esempio nome@example.com",
    address_wrong="Questo indirizzo e-mail non è completo. Dovrebbe essere simile a nome@example.com.",
    see="Vedere o cancellare ciò che è registrato",
    see_text="Un’e-mail può essere inoltrata, e i suoi link con lei. Perché solo lei veda i suoi dati, inviamo un link "
    "al suo indirizzo. Vale 30 minuti. Un indirizzo riceve al massimo tre di queste e-mail all’ora.",
    see_button="Inviami il link",
    see_without_mail="Da qui non possiamo inviarle un link. Per vedere o cancellare i suoi dati, risponda all’e-mail e "
    "si rivolga al mittente.",
    allow="Consentire la registrazione",
    allow_text="Se ha interrotto la registrazione e ha cambiato idea, può consentirla di nuovo.",
    allow_button="Consenti la registrazione",
    stopped="La registrazione è interrotta",
    stopped_text="Non viene più registrato nulla su di lei, nemmeno per le e-mail che ha già ricevuto. L’interruzione "
    "ha effetto ovunque entro un minuto. Ciò che è stato registrato prima resta finché non lo fa cancellare.",
    take_back_button="È stato un errore: consenti di nuovo",
    stop_asked="La sua richiesta è in corso",
    stop_asked_text="Se l’e-mail è stata inviata a questo indirizzo, entro uno o due minuti non verrà più registrato "
    "nulla. Per proteggerla, questa pagina dice la stessa cosa per ogni indirizzo.",
    allowed="La registrazione è consentita",
    allowed_text="Il mittente può di nuovo vedere quando apre le sue e-mail e quali link usa. Può interromperla in "
    "qualsiasi momento.",
    allow_asked="Guardi nella sua casella di posta",
    allow_asked_text="Perché nessun altro dica di sì al suo posto, inviamo al suo indirizzo un link con cui può "
    "consentire la registrazione.",
    link_asked="Guardi nella sua casella di posta",
    link_asked_text="Se l’e-mail è stata inviata al suo indirizzo, un link è in arrivo. Vale 30 minuti. Un indirizzo "
    "riceve al massimo tre di queste e-mail all’ora.",
    gone="Questa e-mail non è più nota",
    gone_text="Il mittente l’ha eliminata e non viene più registrato nulla al riguardo. Per interrompere la "
    "registrazione di altre e-mail, usi il link di una più recente.",
    broken="Questo link non è completo",
    broken_text="Una parte dell’indirizzo è andata persa. Torni all’e-mail e apra il link da lì.",
    unreachable="Non ha funzionato",
    unreachable_text="Non riusciamo a raggiungere il nostro archivio e non possiamo dire che la sua richiesta sia "
    "stata eseguita. Riprovi tra un minuto.",
    too_often="Troppe volte",
    too_often_text="Questo link è stato appena usato molto spesso, perciò questa richiesta non è "
    "stata eseguita. Riprovi fra un minuto.",
    again_button="Riprova",
    back="Indietro",
    proof="Questo link è solo per lei",
    proof_text="È stato inviato al suo indirizzo e mostra ciò che è registrato su di lei. Non lo inoltri. Vale fino "
    "alle {time}.",
    proof_button="Mostra ciò che è registrato",
    proof_old="Questo link è troppo vecchio",
    proof_old_text="Questi link valgono 30 minuti. Apra di nuovo la pagina dall’e-mail e ne chieda uno nuovo.",
    recorded="Che cosa è registrato su {email}",
    recorded_text="Ecco ciò che è registrato sulle e-mail tra lei e {organization}. Gli orari sono in UTC.",
    state_on="La registrazione non è interrotta.",
    state_stopped="La registrazione è interrotta.",
    mails="E-mail",
    no_mails="Non è stata trovata nessuna e-mail.",
    sent_to_you="Inviata a lei",
    sent_by_you="Inviata da lei",
    not_followed="Per questa e-mail non sono stati registrati né aperture né clic.",
    nothing_recorded="Non è stato registrato nulla.",
    shared="Questa e-mail è stata inviata a più persone in un’unica copia. Ciò che è stato registrato non dice di chi "
    "si trattava e perciò qui non viene mostrato.",
    more_acts="È stato registrato altro; sono mostrate le {count} voci più recenti.",
    further_text="Potrebbero esserci e-mail meno recenti.",
    further_button="Cerca nelle e-mail meno recenti",
    what="Che cosa",
    when="Quando",
    network="Rete",
    device="Dispositivo",
    judged="Attribuito a",
    because="Perché",
    unknown="sconosciuto",
    kinds={
        "open": "E-mail aperta",
        "click": "Link usato",
        "attachment_view": "File visto",
        "reply": "Risposta",
        "calendar_answer": "Risposta a un invito",
        "read_receipt": "Conferma di lettura",
        "forward": "Inoltrata",
        "auto_reply": "Risposta automatica",
        "bounce": "Non consegnata",
        "complaint": "Segnalata come spam",
    },
    classes={
        "human": "una persona",
        "machine": "un programma, per esempio un antivirus",
        "uncertain": "non è chiaro a chi",
    },
    device_types={"phone": "telefono", "tablet": "tablet", "desktop": "computer"},
    consents="Che cosa ha dichiarato",
    no_consents="Non è registrata nessuna sua dichiarazione.",
    said_yes="Registrazione consentita",
    said_no="Registrazione rifiutata",
    basis="Base",
    source="Dichiarato",
    own_page="su questa pagina",
    responsible="Chi è responsabile",
    responsible_text="Il responsabile è {organization}.",
    lawful_basis="Base giuridica: {basis}.",
    bases={
        "consent": "il suo consenso",
        "legitimate_interest": "legittimo interesse",
        "contract": "un contratto con lei",
    },
    notice="Informativa sulla privacy",
    other_data="Il mittente può avere altri dati su di lei, per esempio nel suo archivio clienti. Per questi si "
    "rivolga al mittente.",
    erase="Cancellare ciò che è registrato",
    erase_text="Vengono cancellati aperture, clic, risposte e dichiarazioni. Le e-mail inviate dal mittente restano a "
    "lui.",
    erase_button="Cancella…",
    confirm="Cancellare davvero tutto?",
    confirm_text="Ciò che è registrato su {email} viene cancellato e non si può recuperare. Anche la registrazione "
    "viene interrotta.",
    confirm_button="Sì, cancella",
    erasing="I suoi dati vengono cancellati",
    erasing_text="La cancellazione prosegue da sola e può richiedere alcuni minuti. La registrazione è interrotta. La "
    "sua richiesta ha il numero {job}; con questo il mittente può dirle che cosa è stato cancellato.",
    erased="Qui non è più registrato nulla",
    erased_text="L’e-mail da cui proveniva questo link è stata eliminata, oppure i suoi dati sono stati "
    "cancellati. Per interrompere la registrazione di altre e-mail, usi il link di una più recente.",
    months=(
        "gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno",
        "luglio", "agosto", "settembre", "ottobre", "novembre", "dicembre",
    ),
    date="{day} {month} {year}, {time}",
)  # fmt: skip
