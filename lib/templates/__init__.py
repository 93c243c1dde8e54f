"""Templates: their merge language, their versions, what came of the mails made of them, and which one to take."""

from lib.templates.counting import TemplateCounting
from lib.templates.follower import TemplatesFollower
from lib.templates.outcomes import Outcomes
from lib.templates.shares import TemplateUse
from lib.templates.store import Templates

__all__ = ["Outcomes", "TemplateCounting", "TemplateUse", "Templates", "TemplatesFollower"]
