"""Smaller modules of Airflow's that DAG files import."""
