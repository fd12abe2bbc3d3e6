"""Who may do what: roles, permissions, tokens, and the authentication that both APIs share."""
