"""Clients of outside systems, made from connections."""
