"""`python -m bench.advice.templates`: print the section with the seeds for tuning."""

from bench.advice.templates.section import section

print(section("tuning"))
