"""The page in French."""

from functions.pages.recipient.words import Words

WORDS = Words(
    title="Vos e-mails, votre choix",
    languages="Langue",
    intro="{organization} peut voir quand certains de ses e-mails sont ouverts et quels liens y sont utilisés. C’est à "
    "vous de décider si cela peut être enregistré à votre sujet.",
    intro_without_name="L’expéditeur peut voir quand cet e-mail est ouvert et quels liens y sont utilisés. C’est à "
    "vous de décider si cela peut être enregistré à votre sujet.",
    stop="Arrêter l’enregistrement",
    stop_text="Dès lors, plus rien n’est enregistré à votre sujet, même pour les e-mails que vous avez déjà reçus. "
    "Leurs liens continuent de fonctionner. Vous recevrez toujours des e-mails\xa0: si vous n’en voulez plus, répondez "
    "à l’expéditeur.",
    stop_button="Arrêter l’enregistrement",
    several_text="Cet e-mail a été envoyé à plusieurs personnes. Veuillez indiquer quelle adresse est la vôtre.",
    address="Votre adresse e-mail",
    address_hint="L’adresse à laquelle l’e-mail a été envoyé, par exemple nom@example.com",
    address_wrong="Cette adresse e-mail n’est pas complète. Elle devrait ressembler à nom@example.com.",
    see="Voir ou effacer ce qui est enregistré",
    see_text="Un e-mail peut être transféré, et ses liens avec lui. Pour que personne d’autre ne voie vos données, "
    "nous envoyons un lien à votre adresse. Il est valable 30 minutes. Une adresse reçoit au plus trois de ces e-mails "
    "par heure.",
    see_button="M’envoyer le lien",
    see_without_mail="Nous ne pouvons pas vous envoyer de lien d’ici. Pour voir ou faire effacer vos données, répondez "
    "à l’e-mail et adressez-vous à son expéditeur.",
    allow="Autoriser l’enregistrement",
    allow_text="Si vous avez arrêté l’enregistrement et changé d’avis, vous pouvez l’autoriser de nouveau.",
    allow_button="Autoriser l’enregistrement",
    stopped="L’enregistrement est arrêté",
    stopped_text="Plus rien n’est enregistré à votre sujet, même pour les e-mails que vous avez déjà reçus. L’arrêt "
    "prend effet partout en une minute au plus. Ce qui a été enregistré avant reste jusqu’à ce que vous le fassiez "
    "effacer.",
    take_back_button="C’était une erreur\xa0: autoriser de nouveau",
    stop_asked="Votre demande est en cours",
    stop_asked_text="Si l’e-mail a été envoyé à cette adresse, plus rien ne sera enregistré à son sujet d’ici une ou "
    "deux minutes. Pour votre protection, cette page dit la même chose pour toutes les adresses.",
    allowed="L’enregistrement est autorisé",
    allowed_text="L’expéditeur peut de nouveau voir quand vous ouvrez ses e-mails et quels liens vous utilisez. Vous "
    "pouvez arrêter cela à tout moment.",
    allow_asked="Consultez votre boîte de réception",
    allow_asked_text="Pour que personne d’autre ne dise oui à votre place, nous envoyons à votre adresse un lien qui "
    "permet d’autoriser l’enregistrement.",
    link_asked="Consultez votre boîte de réception",
    link_asked_text="Si l’e-mail a été envoyé à votre adresse, un lien y est en route. Il est valable 30 minutes. Une "
    "adresse reçoit au plus trois de ces e-mails par heure.",
    gone="Cet e-mail n’est plus connu",
    gone_text="L’expéditeur l’a supprimé, et plus rien n’est enregistré à son sujet. Pour arrêter l’enregistrement "
    "d’autres e-mails, utilisez le lien d’un e-mail plus récent.",
    broken="Ce lien n’est pas complet",
    broken_text="Une partie de l’adresse s’est perdue en route. Revenez à l’e-mail et ouvrez le lien depuis celui-ci.",
    unreachable="Cela n’a pas fonctionné",
    unreachable_text="Nous n’arrivons pas à joindre notre stockage et ne pouvons pas affirmer que votre demande a été "
    "exécutée. Réessayez dans une minute.",
    too_often="C’était trop souvent",
    too_often_text="Ce lien vient d’être utilisé très souvent, et cette demande n’a pas été exécutée. "
    "Veuillez réessayer dans une minute.",
    again_button="Réessayer",
    back="Retour",
    proof="Ce lien n’est que pour vous",
    proof_text="Il a été envoyé à votre adresse et montre ce qui est enregistré à votre sujet. Ne le transmettez pas. "
    "Il est valable jusqu’à {time}.",
    proof_button="Voir ce qui est enregistré",
    proof_old="Ce lien est trop ancien",
    proof_old_text="Ces liens sont valables 30 minutes. Ouvrez de nouveau la page depuis l’e-mail et demandez-en un "
    "autre.",
    recorded="Ce qui est enregistré sur {email}",
    recorded_text="Voici ce qui est enregistré des e-mails entre vous et {organization}. Les heures sont en UTC.",
    state_on="L’enregistrement n’est pas arrêté.",
    state_stopped="L’enregistrement est arrêté.",
    mails="E-mails",
    no_mails="Aucun e-mail n’a été trouvé.",
    sent_to_you="Envoyé à vous",
    sent_by_you="Envoyé par vous",
    not_followed="Pour cet e-mail, ni ouvertures ni clics n’ont été enregistrés.",
    nothing_recorded="Rien n’a été enregistré.",
    shared="Cet e-mail a été envoyé à plusieurs personnes en un seul exemplaire. Ce qui en a été enregistré ne dit pas "
    "de qui il s’agissait et n’est donc pas montré ici.",
    more_acts="D’autres éléments ont été enregistrés\xa0; les {count} plus récents sont montrés.",
    further_text="Il existe peut-être des e-mails plus anciens.",
    further_button="Parcourir les e-mails plus anciens",
    what="Quoi",
    when="Quand",
    network="Réseau",
    device="Appareil",
    judged="Considéré comme",
    because="Parce que",
    unknown="inconnu",
    kinds={
        "open": "E-mail ouvert",
        "click": "Lien utilisé",
        "attachment_view": "Fichier consulté",
        "reply": "Réponse",
        "calendar_answer": "Réponse à une invitation",
        "read_receipt": "Accusé de lecture",
        "forward": "Transféré",
        "auto_reply": "Réponse automatique",
        "bounce": "Non distribué",
        "complaint": "Signalé comme indésirable",
    },
    classes={
        "human": "une personne",
        "machine": "un programme, par exemple un antivirus",
        "uncertain": "indéterminé",
    },
    device_types={"phone": "téléphone", "tablet": "tablette", "desktop": "ordinateur"},
    consents="Ce que vous avez déclaré",
    no_consents="Aucune déclaration de votre part n’est enregistrée.",
    said_yes="Enregistrement autorisé",
    said_no="Enregistrement refusé",
    basis="Base",
    source="Déclaré",
    own_page="sur cette page",
    responsible="Qui est responsable",
    responsible_text="Le responsable est {organization}.",
    lawful_basis="Base légale\xa0: {basis}.",
    bases={
        "consent": "votre consentement",
        "legitimate_interest": "intérêt légitime",
        "contract": "un contrat avec vous",
    },
    notice="Politique de confidentialité",
    other_data="L’expéditeur peut détenir d’autres données sur vous, par exemple dans son fichier clients. "
    "Adressez-vous à lui pour celles-ci.",
    erase="Effacer ce qui est enregistré",
    erase_text="Sont effacés les ouvertures, les clics, les réponses et les déclarations. Les e-mails envoyés par "
    "l’expéditeur restent chez lui.",
    erase_button="Effacer…",
    confirm="Vraiment tout effacer\xa0?",
    confirm_text="Ce qui est enregistré sur {email} sera effacé définitivement. L’enregistrement sera arrêté lui "
    "aussi.",
    confirm_button="Oui, effacer",
    erasing="Vos données sont en cours d’effacement",
    erasing_text="L’effacement se poursuit tout seul et peut prendre quelques minutes. L’enregistrement est arrêté. "
    "Votre demande porte le numéro {job}\xa0; avec lui, l’expéditeur peut vous dire ce qui a été effacé.",
    erased="Plus rien n’est enregistré ici",
    erased_text="L’e-mail d’où venait ce lien a été supprimé, ou vos données ont été effacées. Pour arrêter "
    "l’enregistrement d’autres e-mails, utilisez le lien d’un e-mail plus récent.",
    months=(
        "janvier", "février", "mars", "avril", "mai", "juin",
        "juillet", "août", "septembre", "octobre", "novembre", "décembre",
    ),
    date="{day} {month} {year}, {time}",
)  # fmt: skip
