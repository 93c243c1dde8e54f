"""Reliability: what the judge said of hits before something was known for sure, and what came true."""
