"""The tables. One module per noun: its QuerySet, its Model."""

from orchestration.models.automation import Automation, Delivery
from orchestration.models.backfill import Backfill
from orchestration.models.callback import CallbackRequest
from orchestration.models.connection import Connection
from orchestration.models.dag import (
    Dag,
    DagGrant,
    DagImportError,
    DagOwnerLink,
    DagSource,
    DagTag,
    DagVersion,
    DagWarning,
    ParseRequest,
)
from orchestration.models.dag_run import DagRun
from orchestration.models.dataset import (
    DagDatasetAliasReference,
    DagDatasetReference,
    Dataset,
    DatasetAlias,
    DatasetEvent,
    DatasetQueuedEvent,
    TaskOutletReference,
)
from orchestration.models.event_log import EventLog
from orchestration.models.idempotency import IdempotencyRecord
from orchestration.models.job import Job
from orchestration.models.notification_channel import NotificationChannel
from orchestration.models.personal_access_token import PersonalAccessToken
from orchestration.models.pool import Pool
from orchestration.models.resource import Resource
from orchestration.models.task_instance import (
    RenderedFields,
    SlaMiss,
    TaskInstance,
    TaskInstanceHistory,
    TaskReschedule,
)
from orchestration.models.trigger import Trigger
from orchestration.models.user import User
from orchestration.models.variable import Variable
from orchestration.models.xcom import XCom

__all__ = [
    "Automation",
    "Backfill",
    "CallbackRequest",
    "Connection",
    "Dag",
    "DagDatasetAliasReference",
    "DagDatasetReference",
    "DagGrant",
    "DagImportError",
    "DagOwnerLink",
    "DagRun",
    "DagSource",
    "DagTag",
    "DagVersion",
    "DagWarning",
    "Dataset",
    "DatasetAlias",
    "DatasetEvent",
    "DatasetQueuedEvent",
    "Delivery",
    "EventLog",
    "IdempotencyRecord",
    "Job",
    "NotificationChannel",
    "ParseRequest",
    "PersonalAccessToken",
    "Pool",
    "RenderedFields",
    "Resource",
    "SlaMiss",
    "TaskInstance",
    "TaskInstanceHistory",
    "TaskOutletReference",
    "TaskReschedule",
    "Trigger",
    "User",
    "Variable",
    "XCom",
]
