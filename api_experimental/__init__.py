"""The legacy API under ``/api/experimental``: off by default, each answer says what replaces it."""
