"""Names that Airflow's modules only pass on, because they import them themselves: facts only.

An editor that completes an import often takes such a place (``from airflow.models.taskinstance import Context``).
``HOMES``: the module that a name belongs to → names; those under ``""`` are modules. ``PASSED_ON``: Airflow module →
names that can also be imported from there. ``from … import *`` leaves them out.
"""

from __future__ import annotations

from collections.abc import Mapping

HOMES: Mapping[str, str] = {
    "": "asyncio base64 collections contextlib copy functools hashlib inspect itertools jinja2 json logging math "
    "os pathlib pendulum pickle re requests shutil signal subprocess sys tempfile textwrap time traceback "
    "warnings",
    "airflow": "settings",
    "airflow.configuration": "conf",
    "airflow.datasets": "Dataset DatasetAlias DatasetAll",
    "airflow.decorators.condition": "run_if skip_if",
    "airflow.decorators.python": "python_task",
    "airflow.decorators.setup_teardown": "setup_task teardown_task",
    "airflow.exceptions": "AirflowClusterPolicyError AirflowClusterPolicySkipDag AirflowClusterPolicyViolation "
    "AirflowConfigException AirflowDagCycleException AirflowDagDuplicatedIdException AirflowDagInconsistent "
    "AirflowException AirflowFailException AirflowInternalRuntimeError AirflowNotFoundException "
    "AirflowOptionalProviderFeatureException AirflowRescheduleException AirflowSensorTimeout AirflowSkipException "
    "AirflowTaskTerminated AirflowTaskTimeout AirflowTimetableInvalid DagNotFound DagRunAlreadyExists "
    "DagRunNotFound DeserializingResultError DuplicateTaskIdFound FailStopDagInvalidTriggerRule "
    "ParamValidationError RemovedInAirflow3Warning TaskAlreadyInTaskGroup TaskDeferralError TaskDeferred "
    "TaskInstanceNotFound TaskNotFound UnknownExecutorException UnmappableOperator UnmappableXComLengthPushed "
    "UnmappableXComTypePushed XComForMappingNotPushed XComNotFound",
    "airflow.hooks.base": "BaseHook",
    "airflow.hooks.filesystem": "FSHook",
    "airflow.io.path": "ObjectStoragePath",
    "airflow.lineage": "apply_lineage prepare_lineage",
    "airflow.models.baseoperator": "BaseOperator",
    "airflow.models.baseoperatorlink": "BaseOperatorLink",
    "airflow.models.dag": "DagContext DagModel",
    "airflow.models.dagbag": "DagBag",
    "airflow.models.dagrun": "DagRun",
    "airflow.models.log": "Log",
    "airflow.models.mappedoperator": "MappedOperator",
    "airflow.models.param": "ParamsDict",
    "airflow.models.skipmixin": "SkipMixin",
    "airflow.models.taskfail": "TaskFail",
    "airflow.models.taskinstance": "TaskInstance",
    "airflow.models.taskinstancekey": "TaskInstanceKey",
    "airflow.models.taskreschedule": "TaskReschedule",
    "airflow.models.variable": "Variable",
    "airflow.models.xcom": "XCom",
    "airflow.models.xcom_arg": "XComArg",
    "airflow.operators.bash": "BashOperator",
    "airflow.operators.branch": "BaseBranchOperator",
    "airflow.operators.empty": "EmptyOperator",
    "airflow.operators.python": "PythonOperator",
    "airflow.providers.common.sql.hooks.sql": "DbApiHook",
    "airflow.providers.http.hooks.http": "HttpHook",
    "airflow.providers.smtp.hooks.smtp": "SmtpHook",
    "airflow.providers.postgres.hooks.postgres": "PostgresHook",
    "airflow.sensors.base": "BaseSensorOperator PokeReturnValue",
    "airflow.sensors.python": "PythonSensor",
    "airflow.stats": "Stats",
    "airflow.timetables.base": "DagRunInfo DataInterval TimeRestriction Timetable",
    "airflow.timetables.interval": "CronDataIntervalTimetable DeltaDataIntervalTimetable",
    "airflow.timetables.simple": "ContinuousTimetable DatasetTriggeredTimetable NullTimetable OnceTimetable",
    "airflow.timetables.trigger": "CronTriggerTimetable",
    "airflow.triggers.base": "BaseTrigger StartTriggerArgs TriggerEvent",
    "airflow.triggers.temporal": "DateTimeTrigger",
    "airflow.utils": "timezone",
    "airflow.utils.context": "Context context_merge",
    "airflow.utils.email": "send_email",
    "airflow.utils.helpers": "merge_dicts",
    "airflow.utils.log.logging_mixin": "LoggingMixin",
    "airflow.utils.log.secrets_masker": "mask_secret",
    "airflow.utils.module_loading": "import_string",
    "airflow.utils.operator_helpers": "context_to_airflow_vars determine_kwargs",
    "airflow.utils.session": "create_session provide_session",
    "airflow.utils.state": "DagRunState State TaskInstanceState",
    "airflow.utils.task_group": "TaskGroup",
    "airflow.utils.timezone": "utcnow",
    "airflow.utils.trigger_rule": "TriggerRule",
    "airflow.utils.types": "ArgNotSet DagRunType NOTSET",
    "airflow.utils.weekday": "WeekDay",
    "airflow.utils.weight_rule": "WeightRule",
    "airflow.utils.xcom": "XCOM_RETURN_KEY",
    "collections": "defaultdict",
    "contextlib": "closing contextmanager suppress",
    "dataclasses": "dataclass",
    "datetime": "datetime timedelta",
    "enum": "Enum",
    "functools": "cached_property wraps",
    "pathlib": "Path",
    "tempfile": "TemporaryDirectory",
    "typing": "Any Callable ClassVar Collection Dict Generator Iterable Iterator List Literal Mapping NamedTuple "
    "NoReturn ParamSpec Protocol Self Sequence Tuple TypeGuard TypeVar TypedDict Union cast "
    "runtime_checkable",
    "urllib.parse": "quote urlparse",
}

PASSED_ON: Mapping[str, str] = {
    "airflow.api.common.trigger_dag": "DagBag DagModel DagNotFound DagRun DagRunAlreadyExists DagRunState "
    "DagRunType json provide_session timezone",
    "airflow.configuration": "Any Dict Generator Iterable Tuple Union WeightRule contextlib contextmanager "
    "functools import_string itertools json logging os pathlib subprocess sys warnings",
    "airflow.datasets": "Any Callable ClassVar Iterable Iterator cast conf os provide_session warnings",
    "airflow.datasets.metadata": "Any DatasetAlias warnings",
    "airflow.decorators": "Any Callable python_task run_if setup_task skip_if teardown_task",
    "airflow.decorators.base": "Any BaseOperator Callable ClassVar Collection DagContext Dataset Iterator "
    "MappedOperator Mapping NOTSET Sequence TriggerRule TypeVar XComArg cached_property cast inspect itertools "
    "textwrap timezone",
    "airflow.decorators.bash": "Any BashOperator Callable Collection Context Mapping NOTSET Sequence "
    "context_merge determine_kwargs",
    "airflow.decorators.condition": "AirflowSkipException Any Callable TypeVar wraps",
    "airflow.decorators.python": "Callable PythonOperator Sequence",
    "airflow.decorators.sensor": "Callable PythonSensor Sequence",
    "airflow.decorators.setup_teardown": "AirflowException BaseOperator Callable python_task",
    "airflow.decorators.task_group": "Any Callable ClassVar Mapping Sequence TaskGroup TypeVar XComArg functools "
    "inspect warnings",
    "airflow.hooks.base": "Any LoggingMixin RemovedInAirflow3Warning logging warnings",
    "airflow.hooks.filesystem": "Any BaseHook Path",
    "airflow.io.path": "Any LoggingMixin Mapping contextlib os shutil",
    "airflow.models.abstractoperator": "AirflowException Any ArgNotSet Callable ClassVar Collection Context "
    "Iterable Iterator NOTSET Sequence State TaskInstanceState TriggerRule WeightRule cached_property conf "
    "inspect",
    "airflow.models.baseoperator": "AirflowException Any Callable Collection Context "
    "FailStopDagInvalidTriggerRule Iterable NOTSET NoReturn ParamsDict RemovedInAirflow3Warning Sequence "
    "TaskDeferralError TaskDeferred TaskInstance TriggerRule TypeVar Union apply_lineage cast collections conf "
    "contextlib copy datetime functools inspect logging pendulum prepare_lineage provide_session sys timedelta "
    "timezone wraps",
    "airflow.models.connection": "AirflowException AirflowNotFoundException Any LoggingMixin "
    "RemovedInAirflow3Warning import_string json logging mask_secret quote suppress warnings",
    "airflow.models.dag": "AirflowDagInconsistent AirflowException Any ArgNotSet BaseOperator Callable "
    "Collection Context ContinuousTimetable CronDataIntervalTimetable CronTriggerTimetable DagRun DagRunInfo "
    "DagRunState DagRunType DataInterval Dataset DatasetAlias DatasetAll DatasetTriggeredTimetable "
    "DeltaDataIntervalTimetable DuplicateTaskIdFound FailStopDagInvalidTriggerRule Generator Iterable Iterator "
    "List LoggingMixin NOTSET NullTimetable OnceTimetable ParamValidationError ParamsDict "
    "RemovedInAirflow3Warning Sequence State Stats TaskDeferred TaskInstance TaskInstanceKey TaskInstanceState "
    "TaskNotFound TimeRestriction Timetable TriggerRule Union UnknownExecutorException asyncio cast copy datetime "
    "defaultdict functools itertools jinja2 json logging os pathlib pendulum pickle provide_session settings sys "
    "time timedelta timezone traceback warnings",
    "airflow.models.dagbag": "AirflowClusterPolicyError AirflowClusterPolicySkipDag "
    "AirflowClusterPolicyViolation AirflowDagCycleException AirflowDagDuplicatedIdException AirflowException "
    "AirflowTaskTimeout LoggingMixin NOTSET NamedTuple Path RemovedInAirflow3Warning Stats conf datetime hashlib "
    "os provide_session settings sys textwrap timedelta timezone traceback warnings",
    "airflow.models.dagrun": "AirflowException Any Callable DagRunState DagRunType Iterable Iterator Log "
    "LoggingMixin NOTSET NamedTuple RemovedInAirflow3Warning Sequence State Stats TaskInstanceState TaskNotFound "
    "TypeVar defaultdict itertools os provide_session settings timezone warnings",
    "airflow.models.mappedoperator": "AirflowException Any ClassVar Collection Iterable Iterator Literal Mapping "
    "NOTSET Sequence StartTriggerArgs Union UnmappableOperator XCOM_RETURN_KEY collections contextlib copy "
    "warnings",
    "airflow.models.param": "AirflowException Any ArgNotSet ClassVar Iterable NOTSET ParamValidationError "
    "RemovedInAirflow3Warning contextlib copy json logging timezone warnings",
    "airflow.models.skipmixin": "AirflowException Iterable LoggingMixin RemovedInAirflow3Warning Sequence "
    "TaskInstance TaskInstanceState provide_session timezone warnings",
    "airflow.models.taskinstance": "AirflowException AirflowFailException AirflowRescheduleException "
    "AirflowSensorTimeout AirflowSkipException AirflowTaskTerminated AirflowTaskTimeout Any Callable Collection "
    "Context DagBag DagRunNotFound DagRunState Dataset DatasetAlias Enum Generator Iterable Log LoggingMixin "
    "Mapping RemovedInAirflow3Warning State Stats TaskDeferralError TaskDeferred TaskFail TaskInstanceKey "
    "TaskInstanceState TaskReschedule Tuple UnmappableXComLengthPushed UnmappableXComTypePushed XCOM_RETURN_KEY "
    "XCom XComForMappingNotPushed collections conf context_merge context_to_airflow_vars contextlib "
    "create_session defaultdict hashlib itertools jinja2 logging math os pendulum provide_session quote "
    "send_email settings signal timedelta timezone traceback warnings",
    "airflow.models.variable": "Any LoggingMixin json logging mask_secret provide_session",
    "airflow.models.xcom": "Any Iterable LoggingMixin RemovedInAirflow3Warning cast conf inspect json logging "
    "pickle provide_session timezone warnings wraps",
    "airflow.models.xcom_arg": "AirflowException Any ArgNotSet Callable Iterable Iterator MappedOperator Mapping "
    "NOTSET Sequence State TaskInstance TriggerRule Union XCOM_RETURN_KEY XComNotFound contextlib inspect "
    "itertools provide_session",
    "airflow.notifications.basenotifier": "Sequence context_merge",
    "airflow.operators.bash": "AirflowException AirflowSkipException Any ArgNotSet BaseOperator Callable "
    "RemovedInAirflow3Warning Sequence cached_property cast context_to_airflow_vars os shutil tempfile",
    "airflow.operators.branch": "BaseOperator Iterable SkipMixin",
    "airflow.operators.datetime": "AirflowException BaseBranchOperator Iterable RemovedInAirflow3Warning timezone",
    "airflow.operators.email": "Any BaseOperator Sequence send_email",
    "airflow.operators.empty": "BaseOperator",
    "airflow.operators.generic_transfer": "BaseHook BaseOperator Sequence",
    "airflow.operators.latest_only": "BaseBranchOperator Iterable pendulum",
    "airflow.operators.python": "AirflowConfigException AirflowException AirflowSkipException Any BaseOperator "
    "Callable Collection DeserializingResultError Iterable Literal Mapping NamedTuple Path "
    "RemovedInAirflow3Warning Sequence SkipMixin TemporaryDirectory Variable cast context_merge inspect json "
    "logging os shutil subprocess sys textwrap",
    "airflow.operators.smooth": "BaseOperator",
    "airflow.operators.subdag": "AirflowException BaseSensorOperator DagContext DagRun DagRunState DagRunType "
    "Enum RemovedInAirflow3Warning TaskInstance TaskInstanceNotFound TaskInstanceState create_session "
    "provide_session warnings",
    "airflow.operators.trigger_dagrun": "AirflowException AirflowSkipException Any BaseOperator BaseOperatorLink "
    "DagBag DagModel DagNotFound DagRun DagRunAlreadyExists DagRunState DagRunType RemovedInAirflow3Warning "
    "Sequence XCom cast conf json provide_session time timezone",
    "airflow.operators.weekday": "BaseBranchOperator Iterable RemovedInAirflow3Warning WeekDay timezone",
    "airflow.providers.common.io.operators.file_transfer": "BaseOperator ObjectStoragePath Sequence",
    "airflow.providers.common.sql.hooks.handlers": "Iterable",
    "airflow.providers.common.sql.hooks.sql": "AirflowException AirflowOptionalProviderFeatureException Any "
    "BaseHook Callable Generator Iterable Mapping Sequence TypeVar cached_property cast closing conf contextlib "
    "contextmanager datetime import_string suppress urlparse warnings",
    "airflow.providers.common.sql.operators.sql": "AirflowException AirflowFailException Any BaseHook "
    "BaseOperator Callable ClassVar DbApiHook Iterable Mapping NoReturn Sequence SkipMixin cached_property "
    "merge_dicts re",
    "airflow.providers.common.sql.sensors.sql": "AirflowException Any BaseHook BaseSensorOperator Callable "
    "DbApiHook Mapping Sequence",
    "airflow.providers.http.hooks.http": "AirflowException Any BaseHook Callable urlparse",
    "airflow.providers.http.operators.http": "AirflowException Any BaseHook BaseOperator Callable Sequence "
    "base64 conf merge_dicts pickle",
    "airflow.providers.http.sensors.http": "AirflowException Any BaseSensorOperator Callable HttpHook Sequence "
    "conf timedelta",
    "airflow.providers.http.triggers.http": "AirflowException Any BaseTrigger TriggerEvent asyncio base64 pickle "
    "requests",
    "airflow.providers.postgres.operators.postgres": "PostgresHook",
    "airflow.providers.smtp.hooks.smtp": "AirflowException AirflowNotFoundException Any BaseHook Iterable Path "
    "collections os re",
    "airflow.providers.smtp.notifications.smtp": "Any Iterable Path SmtpHook cached_property",
    "airflow.providers.smtp.operators.smtp": "AirflowException Any BaseOperator Path Sequence SmtpHook",
    "airflow.providers.sqlite.hooks.sqlite": "DbApiHook",
    "airflow.sensors.base": "AirflowException AirflowFailException AirflowRescheduleException "
    "AirflowSensorTimeout AirflowSkipException AirflowTaskTimeout Any BaseOperator Callable Iterable SkipMixin "
    "TaskDeferralError TaskReschedule conf functools hashlib provide_session settings time timedelta timezone "
    "traceback",
    "airflow.sensors.bash": "AirflowFailException BaseSensorOperator Sequence TemporaryDirectory os",
    "airflow.sensors.date_time": "Any BaseSensorOperator DateTimeTrigger NoReturn Sequence StartTriggerArgs timezone",
    "airflow.sensors.external_task": "AirflowException AirflowSkipException Any BaseOperatorLink "
    "BaseSensorOperator Callable Collection DagBag DagModel EmptyOperator Iterable RemovedInAirflow3Warning State "
    "TaskInstance TaskInstanceState conf os provide_session",
    "airflow.sensors.filesystem": "AirflowException Any BaseSensorOperator FSHook Sequence StartTriggerArgs "
    "cached_property conf os",
    "airflow.sensors.python": "Any BaseSensorOperator Callable Mapping PokeReturnValue Sequence context_merge "
    "determine_kwargs",
    "airflow.sensors.time_delta": "AirflowSkipException Any BaseSensorOperator DateTimeTrigger NoReturn timezone",
    "airflow.sensors.time_sensor": "Any BaseSensorOperator DateTimeTrigger NoReturn StartTriggerArgs timezone",
    "airflow.sensors.weekday": "BaseSensorOperator Iterable RemovedInAirflow3Warning WeekDay timezone",
    "airflow.settings": "AirflowInternalRuntimeError Any Callable RemovedInAirflow3Warning State functools "
    "logging os sys traceback warnings",
    "airflow.timetables.base": "Any Iterator NamedTuple Sequence",
    "airflow.timetables.datasets": "AirflowTimetableInvalid DagRunType DatasetAll",
    "airflow.timetables.events": "DagRunInfo DataInterval Iterable Timetable itertools pendulum timezone",
    "airflow.timetables.interval": "AirflowTimetableInvalid Any DagRunInfo DataInterval Timetable Union utcnow",
    "airflow.timetables.simple": "Any Collection DagRunInfo DataInterval DatasetAlias Sequence Timetable timezone",
    "airflow.timetables.trigger": "Any DagRunInfo DataInterval Timetable timezone",
    "airflow.triggers.base": "Any LoggingMixin TaskInstanceState dataclass logging provide_session timedelta",
    "airflow.triggers.external_task": "Any BaseTrigger DagRun RemovedInAirflow3Warning TaskInstance "
    "TaskInstanceState TriggerEvent asyncio provide_session utcnow",
    "airflow.triggers.file": "Any BaseTrigger TriggerEvent asyncio os warnings",
    "airflow.triggers.temporal": "Any BaseTrigger TriggerEvent asyncio pendulum timezone",
    "airflow.triggers.testing": "Any BaseTrigger TriggerEvent",
    "airflow.typing_compat": "Literal ParamSpec Protocol Self TypeGuard TypedDict runtime_checkable",
    "airflow.utils.context": "Any Dataset DatasetAlias Iterator Mapping NOTSET RemovedInAirflow3Warning "
    "contextlib copy functools warnings",
    "airflow.utils.db": "AirflowException Any Callable Generator Iterable Iterator Sequence TypeVar collections "
    "conf contextlib dataclass itertools json logging os settings sys time warnings",
    "airflow.utils.decorators": "Callable RemovedInAirflow3Warning TypeVar cast sys warnings wraps",
    "airflow.utils.email": "AirflowConfigException AirflowException Any Iterable RemovedInAirflow3Warning "
    "collections conf logging os warnings",
    "airflow.utils.file": "Generator NamedTuple Path RemovedInAirflow3Warning conf hashlib logging os",
    "airflow.utils.helpers": "Generator RemovedInAirflow3Warning cast conf copy datetime import_string itertools "
    "signal warnings",
    "airflow.utils.session": "Callable Generator TypeVar cast contextlib os settings wraps",
    "airflow.utils.state": "Enum",
    "airflow.utils.task_group": "AirflowDagCycleException AirflowException Any DuplicateTaskIdFound Generator "
    "Iterator Sequence TaskAlreadyInTaskGroup TriggerRule copy functools",
    "airflow.utils.timezone": "pendulum",
    "airflow.utils.trigger_rule": "Enum",
}
