"""Templates: their merge language, their versions, rates of the mails made of them, and a recommendation."""

from lib.templates.counting import TemplateCounts
from lib.templates.outcomes import Outcomes
from lib.templates.shares import TemplateUse
from lib.templates.store import Templates

__all__ = ["Outcomes", "TemplateCounts", "TemplateUse", "Templates"]
