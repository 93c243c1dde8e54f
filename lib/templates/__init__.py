"""Templates: their merge language, their versions, what came of the mails made of them, and which one to take."""

from lib.templates.counting import TemplateCounts
from lib.templates.outcomes import Outcomes
from lib.templates.shares import TemplateUse
from lib.templates.store import Templates

__all__ = ["Outcomes", "TemplateCounts", "TemplateUse", "Templates"]
