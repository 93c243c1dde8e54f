"""`python -m bench.advice.hours`: print the section."""

from bench.advice.hours import section

print(section())
