"""Sign-in of an organization's people with tokens of its OpenID Connect provider."""
