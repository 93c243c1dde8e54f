"""The page in Spanish."""

from functions.pages.recipient.words import Words

WORDS = Words(
    title="Sus correos, su decisión",
    languages="Idioma",
    intro="{organization} puede ver cuándo se abren algunos de los correos que envía y qué enlaces se utilizan. Usted "
    "decide si eso puede registrarse.",
    intro_without_name="El remitente puede ver cuándo se abre este correo y qué enlaces se utilizan. Usted decide si "
    "eso puede registrarse.",
    stop="Detener el registro",
    stop_text="A partir de entonces no se registra nada más sobre usted, tampoco de los correos que ya tiene. Los "
    "enlaces de esos correos siguen funcionando. Seguirá recibiendo correos: si no quiere más, responda al remitente.",
    stop_button="Detener el registro",
    several_text="Este correo se envió a varias personas. Indique, por favor, cuál es su dirección.",
    address="Su dirección de correo",
    address_hint="La dirección a la que se envió el correo, por ejemplo nombre@example.com",
    address_wrong="Esta dirección de correo no está completa. Debería parecerse a nombre@example.com.",
    see="Ver o borrar lo registrado",
    see_text="Un correo se puede reenviar, y sus enlaces con él. Para que solo usted vea sus datos, enviamos un enlace "
    "a su dirección. Es válido durante 30 minutos. Una dirección recibe como máximo tres de estos correos por hora.",
    see_button="Enviarme el enlace",
    see_without_mail="Desde aquí no podemos enviarle un enlace. Para ver o borrar sus datos, responda al correo y "
    "pídaselo al remitente.",
    allow="Permitir el registro",
    allow_text="Si ha detenido el registro y ha cambiado de opinión, puede volver a permitirlo.",
    allow_button="Permitir el registro",
    stopped="El registro está detenido",
    stopped_text="No se registra nada más sobre usted, tampoco de los correos que ya tiene. Surte efecto en todas "
    "partes en un minuto como máximo. Lo registrado antes permanece hasta que usted lo haga borrar.",
    take_back_button="Ha sido un error: permitirlo de nuevo",
    stop_asked="Su petición está en curso",
    stop_asked_text="Si el correo se envió a esta dirección, en uno o dos minutos no se registrará nada más sobre "
    "ella. Para protegerle, esta página dice lo mismo para cualquier dirección.",
    allowed="El registro está permitido",
    allowed_text="El remitente puede ver de nuevo cuándo abre sus correos y qué enlaces utiliza. Puede detenerlo en "
    "cualquier momento.",
    allow_asked="Mire en su buzón",
    allow_asked_text="Para que nadie más diga que sí en su lugar, enviamos a su dirección un enlace con el que puede "
    "permitir el registro.",
    link_asked="Mire en su buzón",
    link_asked_text="Si el correo se envió a su dirección, un enlace está en camino. Es válido durante 30 minutos. Una "
    "dirección recibe como máximo tres de estos correos por hora.",
    gone="Este correo ya no se conoce",
    gone_text="El remitente lo ha eliminado y no se registra nada más de él. Para detener el registro de otros "
    "correos, utilice el enlace de uno más reciente.",
    broken="Este enlace no está completo",
    broken_text="Una parte de la dirección se perdió por el camino. Vuelva al correo y abra el enlace desde allí.",
    unreachable="No ha funcionado",
    unreachable_text="No podemos acceder a nuestro almacenamiento ni asegurar que su petición se haya cumplido. "
    "Inténtelo de nuevo dentro de un minuto.",
    too_often="Demasiadas veces",
    too_often_text="Este enlace se acaba de usar muchas veces, por lo que esta petición no se ha "
    "cumplido. Inténtelo de nuevo en un minuto.",
    again_button="Intentarlo de nuevo",
    back="Volver",
    proof="Este enlace es solo para usted",
    proof_text="Se envió a su dirección y muestra lo que está registrado sobre usted. No lo comparta. Es válido hasta "
    "las {time}.",
    proof_button="Ver lo registrado",
    proof_old="Este enlace es demasiado antiguo",
    proof_old_text="Estos enlaces son válidos durante 30 minutos. Abra otra vez la página desde el correo y pida uno "
    "nuevo.",
    recorded="Lo registrado sobre {email}",
    recorded_text="Esto es lo registrado sobre los correos entre usted y {organization}. Las horas están en UTC.",
    state_on="El registro no está detenido.",
    state_stopped="El registro está detenido.",
    mails="Correos",
    no_mails="No se encontró ningún correo.",
    sent_to_you="Enviado a usted",
    sent_by_you="Enviado por usted",
    not_followed="De este correo no se registraron ni aperturas ni clics.",
    nothing_recorded="No se registró nada.",
    shared="Este correo se envió a varias personas en una sola copia. Lo registrado no dice quién fue y por eso no se "
    "muestra aquí.",
    more_acts="Se registró más; se muestran las {count} entradas más recientes.",
    further_text="Puede haber correos más antiguos.",
    further_button="Buscar en correos más antiguos",
    what="Qué",
    when="Cuándo",
    network="Red",
    device="Dispositivo",
    judged="Atribuido a",
    because="Porque",
    unknown="desconocido",
    kinds={
        "open": "Correo abierto",
        "click": "Enlace utilizado",
        "attachment_view": "Archivo visto",
        "reply": "Respuesta",
        "calendar_answer": "Respuesta a una invitación",
        "read_receipt": "Confirmación de lectura",
        "forward": "Reenviado",
        "auto_reply": "Respuesta automática",
        "bounce": "No entregado",
        "complaint": "Denunciado como spam",
    },
    classes={
        "human": "una persona",
        "machine": "un programa, por ejemplo un antivirus",
        "uncertain": "no está claro a quién",
    },
    device_types={"phone": "teléfono", "tablet": "tableta", "desktop": "ordenador"},
    consents="Lo que usted ha declarado",
    no_consents="No hay registrada ninguna declaración suya.",
    said_yes="Registro permitido",
    said_no="Registro rechazado",
    basis="Base",
    source="Declarado",
    own_page="en esta página",
    responsible="Quién es responsable",
    responsible_text="El responsable es {organization}.",
    lawful_basis="Base jurídica: {basis}.",
    bases={
        "consent": "su consentimiento",
        "legitimate_interest": "interés legítimo",
        "contract": "un contrato con usted",
    },
    notice="Política de privacidad",
    other_data="El remitente puede tener otros datos sobre usted, por ejemplo en su fichero de clientes. Pregúntele a "
    "él por esos datos.",
    erase="Borrar lo registrado",
    erase_text="Se borran aperturas, clics, respuestas y declaraciones. Los correos que el remitente ha enviado se "
    "quedan con él.",
    erase_button="Borrar…",
    confirm="¿Borrarlo todo de verdad?",
    confirm_text="Lo registrado sobre {email} se borra y no se puede recuperar. También se detiene el registro.",
    confirm_button="Sí, borrar",
    erasing="Sus datos se están borrando",
    erasing_text="El borrado continúa por sí solo y puede tardar unos minutos. El registro está detenido. Su petición "
    "tiene el número {job}; con él, el remitente puede decirle qué se ha borrado.",
    erased="Aquí ya no hay nada registrado",
    erased_text="El correo del que procedía este enlace se ha eliminado o sus datos se han borrado. Para detener "
    "el registro de otros correos, utilice el enlace de uno más reciente.",
    months=(
        "enero", "febrero", "marzo", "abril", "mayo", "junio",
        "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre",
    ),
    date="{day} de {month} de {year}, {time}",
)  # fmt: skip
