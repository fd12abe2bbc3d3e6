"""The addresses of the operations, which the document describes."""

from __future__ import annotations

from typing import Final

from django.urls import URLPattern, URLResolver

from api_v1.routers import OperationRouter
from api_v1.viewsets import ALL

router = OperationRouter()
router.priority = (
    "/dags/{dag_id}/dagRuns/{dag_run_id}",
    "/dags/{dag_id}/dagRuns",
    "/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances",
    "/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}",
    "/health",
    "/dags",
)
for viewset in ALL:
    router.register(viewset)

operation_urls: Final[list[URLPattern | URLResolver]] = router.urls
