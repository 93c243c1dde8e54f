"""The words by which mail servers and mail programs begin automatic mail, in the languages they come in.

Words are a weak sign: a person may begin a subject with them as well. They count only beside another sign.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from lib.mime.received import ReceivedMail
from lib.mime.subjects import GATEWAY_TAGS
from lib.rewrite.plain_text import plain_text

LONGEST_READ = 200_000
"""Characters of a mail's text, or its HTML, that are read to tell its kind."""

_NO_DESTINATION: Callable[[str], None] = lambda _: None  # noqa: E731


def _beginning(phrases: Iterable[str]) -> re.Pattern[str]:
    return re.compile(rf"(?:\W{{0,3}}(?:{'|'.join(GATEWAY_TAGS)})\b)?\W{{0,5}}(?:{'|'.join(phrases)})", re.IGNORECASE)


BOUNCE_SUBJECT = _beginning((
    r"undeliver", r"undelivrable", r"returned mail\b", r"returned to sender", r"return(?:ing|ed) message",
    r"failed delivery", r"fail(?:ure|ed) (?:notice|mail|delivery)",
    r"(?:e-?mail |mail |message |e-?mail message )?delivery (?:has )?(?:fail|status|delay|notification|report|problem)",
    r"mail (?:system error|failed|failure|could not be|not delivered)",
    r"message (?:delivery|could not be|not delivered|undeliver|you sent blocked)",
    r"warning: (?:could not send|message)", r"(?:could|can) ?not deliver",
    r"your (?:message|mail) (?:could not|was not|cannot)", r"non-?deliver", r"postmaster notify", r"rejected:",
    r"not delivered", r"delayed(?: mail|:)", r"mail (?:delivery|deliver)", r"unzustellbar", r"nicht zugestellt",
    r"nicht zustellbar", r"zustellung (?:fehlgeschlagen|verzögert)", r"zustellungs", r"fehler bei der zustellung",
    r"non (?:remis|distribu|délivr|livr)", r"échec de (?:la )?(?:remise|livraison|distribution)", r"echec de",
    r"notification d'état de remise", r"no se (?:puede|ha podido|pudo) entregar", r"no entregado",
    r"error (?:de|en la) entrega", r"devuelto", r"impossibile (?:recapitare|consegnare)",
    r"mancat[ao] (?:consegna|recapito)", r"non recapitabile", r"onbestelbaar", r"niet bezorgd",
    r"kan niet worden bezorgd", r"não (?:é possível entregar|foi possível|entregue)", r"não entregue", r"niedostarcz",
    r"nie (?:można|udało się) dostarczyć", r"kan inte levereras", r"olevererat", r"kan ikke leveres", r"ikke leveret",
    r"недоставлен", r"не ?доставлено", r"ваше сообщение не доставлено", r"配信不能", r"配信できません", r"未送達",
    r"無法傳遞", r"无法(?:投递|传递|送达)", r"退信", r"배달되지 않음",
))  # fmt: skip
BOUNCE_TEXT = re.compile(
    r"(?:could not be|cannot be|was not|not been|wasn't able to|unable to|failed to)\s(?:be\s)?deliver|"
    r"permanent\serror|delivery\s(?:has\s)?failed|not\sbe\sdelivered|failed\spermanently|rejected\sby\sa\sremote\smail|"
    r"undeliverable|returned\sto\sthe\ssender|user\sunknown|mailbox\s(?:is\s)?full|no\ssuch\suser|"
    r"recipient\saddress\srejected|error\sdelivering\syour|transcript\sof\ssession|still\sundelivered|may\snot\sexist|"
    r"konnte\snicht\szugestellt|n'a\spas\spu\sêtre|no\spudo\sser\sentregado|送信できませんでした|не\sможет\sбыть\sдоставлено",
    re.IGNORECASE,
)
AUTO_REPLY_SUBJECT = _beginning((
    r"auto(?:matic)?(?:ed)?[- ]?(?:reply|response|responder|answer)\b", r"autoreply\b", r"automatically generated",
    r"out[- ]of[- ](?:the[- ])?office\b", r"ooo\b\W", r"vacation (?:reply|message|notice|response)",
    r"on (?:vacation|holiday|leave)\b", r"away from (?:my |the )?(?:office|desk|mail)", r"i am (?:away|out of)",
    r"automatische antwort", r"abwesen(?:d|heit)", r"autom\. antwort", r"nicht im büro",
    r"ich bin (?:im urlaub|nicht im|abwesend)", r"urlaubs(?:abwesenheit|vertretung|notiz|meldung)",
    r"réponse automatique", r"reponse automatique", r"absen(?:t|ce) d(?:u|e) bureau", r"message d'absence",
    r"absence\b\W", r"notification d'absence", r"respuesta autom[áa]tica", r"fuera de (?:la )?oficina",
    r"ausente\b\W", r"contestaci[óo]n autom", r"risposta automatica", r"fuori (?:sede|ufficio)", r"assente\b\W",
    r"automatisch antwoord", r"afwezig", r"niet aanwezig", r"resposta autom[áa]tica", r"fora do escrit[óo]rio",
    r"aus[êe]ncia", r"autosvar", r"automatiskt? svar", r"frånvaro", r"automaattinen vastaus", r"poissa",
    r"odpowied[źz] automatyczna", r"automatyczna odpowied", r"automatická odpov", r"автоответ",
    r"автоматический ответ",
    r"自動(?:返信|応答|回覆)", r"自动(?:回复|答复)", r"자동 ?회신",
))  # fmt: skip


def readable_text(mail: ReceivedMail) -> str:
    """Return the text of a mail, or that of its HTML, as far as it is read to tell the mail's kind."""
    if mail.text and mail.text.strip():
        return mail.text[:LONGEST_READ]
    return plain_text(mail.html[:LONGEST_READ], _NO_DESTINATION) if mail.html else ""
