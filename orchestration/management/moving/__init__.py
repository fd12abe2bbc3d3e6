"""Moving in: what a live database of Apache Airflow 2 holds, copied into this program's tables.

The database is only ever read. Everything is copied in batches, each a transaction; what is here already stays as it
is, so that a copy that was broken off, or that is made again later, goes on where the last one ended.
"""
