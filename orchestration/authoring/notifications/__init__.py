"""Callbacks that tell people."""
