"""Measurements: of the system, and of it against the reference."""
