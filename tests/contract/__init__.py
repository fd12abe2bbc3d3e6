"""Programs that others wrote for Airflow 2, against a live server of ours."""
