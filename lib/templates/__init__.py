"""Templates: their merge language, their versions, rates of the mails made of them, and a recommendation."""

from lib.templates.contacts import Contacts
from lib.templates.counting import TemplateCounting
from lib.templates.follower import TemplatesFollower
from lib.templates.outcomes import Outcomes
from lib.templates.shares import TemplateUse
from lib.templates.store import Templates

__all__ = ["Contacts", "Outcomes", "TemplateCounting", "TemplateUse", "Templates", "TemplatesFollower"]
