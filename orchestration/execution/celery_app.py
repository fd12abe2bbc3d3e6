"""The Celery application. Messages are JSON and carry only which try is meant: the database says what it is.

A message is a hint. Whoever gets it claims the try; a copy of it, or a late one, finds the claim gone and does nothing.
Messages are acknowledged after the try, so that a worker's end gives them back; results are not kept at all.
"""

from __future__ import annotations

from celery import Celery

from orchestration.conf import conf
from orchestration.execution import celery_control

#: The name of the one task.
RUN_TRY = celery_control.RUN_TRY


def make_app() -> Celery:
    """The application of this installation."""
    url = conf.get("celery", "broker_url")
    app = Celery(
        conf.get("celery", "celery_app_name"),
        broker=url,
        include=["orchestration.execution.celery_worker"],
        fixups=[],  # those for Django load every page of the web server; the worker closes its connections itself
    )
    is_redis = url.startswith(("redis", "sentinel", "unix"))
    app.conf.update(
        accept_content=["json"],
        task_serializer="json",
        result_serializer="json",
        event_serializer="json",
        task_ignore_result=True,
        task_acks_late=True,
        task_acks_on_failure_or_timeout=True,
        task_reject_on_worker_lost=True,
        task_default_queue=conf.get("operators", "default_queue"),
        task_create_missing_queues=True,
        task_publish_retry=False,  # the sender tries again, without keeping its caller waiting
        worker_prefetch_multiplier=1,
        worker_pool="orchestration.execution.celery_pool:Threads",
        worker_concurrency=conf.getint("celery", "worker_concurrency"),
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        control_exchange=celery_control.exchange_name(),
        broker_connection_retry_on_startup=True,
        broker_connection_timeout=5,
        broker_transport_options=(
            {"visibility_timeout": conf.getint("celery", "visibility_timeout"), "socket_connect_timeout": 5}
            if is_redis
            else {"confirm_publish": True}
        ),
        enable_utc=True,
    )
    return app


app = make_app()
