"""DAG files: found, each parsed in a process of its own, and what they define written into the tables."""
