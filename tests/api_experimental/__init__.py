"""The legacy API."""
