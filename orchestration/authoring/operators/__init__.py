"""The operators of Airflow's core and of the providers that this system has."""
