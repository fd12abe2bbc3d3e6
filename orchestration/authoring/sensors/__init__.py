"""Operators that wait for something."""
