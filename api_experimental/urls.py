"""The addresses of the legacy API, below ``/api/experimental/``.

No trailing slash, as in release 2.10.5, but for lineage, which older documents write with one.
"""

from __future__ import annotations

from django.urls import path

from api_experimental import views
from api_experimental.endpoints import endpoint

_DAG = "dags/<str:dag_id>"
_RUN = f"{_DAG}/dag_runs/<str:execution_date>"
_LINEAGE = "lineage/<str:dag_id>/<str:execution_date>"

urlpatterns = [
    path("test", endpoint(GET=views.test)),
    path("info", endpoint(GET=views.info)),
    path("latest_runs", endpoint(GET=views.latest_runs)),
    path(_DAG, endpoint(DELETE=views.delete_dag)),
    path(f"{_DAG}/delete_dag", endpoint(DELETE=views.delete_dag)),  # where the reference's own client looks for it
    path(f"{_DAG}/code", endpoint(GET=views.code)),
    path(f"{_DAG}/paused", endpoint(GET=views.dag_is_paused)),
    path(f"{_DAG}/paused/<str:paused>", endpoint(GET=views.dag_paused)),
    path(f"{_DAG}/tasks/<str:task_id>", endpoint(GET=views.task_info)),
    path(f"{_DAG}/dag_runs", endpoint(GET=views.dag_runs, POST=views.trigger_dag)),
    path(_RUN, endpoint(GET=views.dag_run_status)),
    path(f"{_RUN}/tasks/<str:task_id>", endpoint(GET=views.task_instance_info)),
    path("pools", endpoint(GET=views.get_pools, POST=views.create_pool)),
    path("pools/<str:name>", endpoint(GET=views.get_pool, DELETE=views.delete_pool)),
    path(_LINEAGE, endpoint(GET=views.get_lineage)),
    path(f"{_LINEAGE}/", endpoint(GET=views.get_lineage)),
]
