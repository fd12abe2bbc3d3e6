"""Cannot be imported, on purpose."""

import a_module_that_does_not_exist_anywhere  # noqa: F401
from airflow import DAG

dag = DAG("contract_never_seen")
