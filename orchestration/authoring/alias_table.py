"""Airflow's paths and what they mean here: one table, facts only.

``TABLE``: Airflow module → module of ours (below ``orchestration.authoring``) → names, separated by blanks. ``new=old``
offers our ``old`` as ``new``, ``new=.`` offers our module itself, ``*`` every public name. ``MOVED``: Airflow's
deprecated modules → the module that has their names now.
"""

from __future__ import annotations

from collections.abc import Mapping

_PYTHON = {
    "operators.callables": "PythonOperator BranchPythonOperator ShortCircuitOperator",
    "operators.virtualenv": "PythonVirtualenvOperator BranchPythonVirtualenvOperator ExternalPythonOperator "
    "BranchExternalPythonOperator is_venv_installed",
    "context": "get_current_context",
}
_EXTERNAL_TASK = {
    "sensors.external_task": "ExternalTaskSensor ExternalTaskMarker",
    "operators.links": "ExternalDagLink ExternalTaskSensorLink=ExternalDagLink",
}
_TRIGGER_DAGRUN = {
    "operators.trigger_dagrun": "TriggerDagRunOperator",
    "operators.links": "TriggerDagRunLink XCOM_LOGICAL_DATE_ISO XCOM_RUN_ID",
}
_SUBPROCESS = {"hooks.subprocess": "SubprocessHook SubprocessResult working_directory"}
_TRIGGERS_BASE = {
    "triggers.base": "BaseTrigger TriggerEvent StartTriggerArgs BaseTaskEndEvent TaskSuccessEvent TaskFailedEvent "
    "TaskSkippedEvent"
}
_SQL_OPERATORS = {
    "operators.sql": "BaseSQLOperator SQLExecuteQueryOperator BranchSQLOperator BranchSqlOperator=BranchSQLOperator "
    "parse_boolean default_output_processor",
    "operators.sql_checks": "SQLCheckOperator SQLValueCheckOperator SQLIntervalCheckOperator SQLThresholdCheckOperator "
    "SQLColumnCheckOperator SQLTableCheckOperator",
    "hooks.sql_handlers": "fetch_all_handler fetch_one_handler",
}
_DATASET = {
    "datasets": "Dataset DatasetAlias DatasetAll DatasetAny BaseDataset expand_alias_to_datasets extract_event_key",
}
_PARAM = {"params": "Param ParamsDict DagParam process_params"}
_CHAIN = {"relations": "chain chain_linear cross_downstream"}
_TASK_GROUP = {"task_group": "TaskGroup MappedTaskGroup TaskGroupContext"}
_STATE = {"state": "State DagRunState TaskInstanceState JobState"}
_SESSION = {"compat.session": "provide_session create_session NEW_SESSION"}
_EDGES = {"edges": "EdgeModifier Label"}
_DECORATORS = {"decorators": "task dag task_group setup teardown TaskDecorator TaskDecoratorCollection"}
_TIMETABLES = {
    "timetables.interval": "CronDataIntervalTimetable DeltaDataIntervalTimetable",
    "timetables.trigger": "CronTriggerTimetable",
    "timetables.events": "EventsTimetable",
}

TABLE: Mapping[str, Mapping[str, str]] = {
    # The root and facts of the installation.
    "airflow": {
        "dag": "DAG",
        "datasets": "Dataset",
        "xcom_arg": "XComArg",
        "exceptions": "AirflowException",
        "compat.version": "__version__",
    },
    "airflow.version": {"compat.version": "version"},
    "airflow.typing_compat": {},
    "airflow.settings": {
        "compat.settings": "AIRFLOW_HOME DAGS_FOLDER PLUGINS_FOLDER LOGGING_LEVEL SIMPLE_LOG_FORMAT STATE_COLORS "
        "TIMEZONE Session conf engine json",
        "compat.configuration": "conf",
    },
    "airflow.configuration": {
        "compat.configuration": "conf AirflowConfigParser AIRFLOW_HOME AIRFLOW_CONFIG get getint getfloat getboolean "
        "getsection has_option as_dict get_airflow_home get_airflow_config",
        "exceptions": "AirflowConfigException",
    },
    "airflow.exceptions": {"exceptions": "*"},
    "airflow.plugins_manager": {
        "compat.plugins_manager": "AirflowPlugin AirflowPluginException ensure_plugins_loaded integrate_macros_plugins "
        "get_plugin_info import_errors"
    },
    "airflow.policies": {"compat.listeners": "hookimpl"},
    "airflow.stats": {"compat.stats": "Stats"},
    "airflow.listeners": {"compat.listeners": "hookimpl"},
    "airflow.security.permissions": {"compat.permissions": "*"},
    "airflow.secrets": {"compat.base_secrets": "BaseSecretsBackend"},
    "airflow.secrets.base_secrets": {"compat.base_secrets": "BaseSecretsBackend"},
    # Models.
    "airflow.models": {
        "dag": "DAG",
        "baseoperator": "BaseOperator",
        "mappedoperator": "MappedOperator",
        "operator_link": "BaseOperatorLink",
        "connection": "Connection",
        "variable": "Variable",
        "dagrun": "DagRun",
        "taskinstance": "TaskInstance",
        "xcom": "XCom",
        "params": "Param",
        "operators.skipmixin": "SkipMixin",
        "abstractoperator": "Operator=AbstractOperator",
        "compat.dagbag": "DagBag",
        "compat.tables": "Base ID_LEN DagModel DagTag DagPickle DagWarning DbCallbackRequest Log Pool "
        "RenderedTaskInstanceFields SlaMiss TaskFail TaskReschedule Trigger ImportError=ParseImportError "
        "clear_task_instances",
    },
    "airflow.models.abstractoperator": {
        "abstractoperator": "AbstractOperator NotMapped DEFAULT_OWNER DEFAULT_QUEUE "
        "DEFAULT_RETRIES DEFAULT_RETRY_DELAY DEFAULT_POOL_SLOTS DEFAULT_PRIORITY_WEIGHT "
        "MAX_RETRY_DELAY TaskStateChangeCallback"
    },
    "airflow.models.base": {"compat.tables": "Base ID_LEN"},
    "airflow.models.baseoperator": {
        "baseoperator": "BaseOperator BaseOperatorMeta coerce_resources coerce_timedelta get_merged_defaults "
        "parse_retries",
        "operator_link": "BaseOperatorLink",
        "types": "XCOM_RETURN_KEY",
        **_CHAIN,
    },
    "airflow.models.baseoperatorlink": {"operator_link": "BaseOperatorLink"},
    "airflow.models.connection": {"connection": "Connection"},
    "airflow.models.dag": {
        "dag": "DAG dag DagContext",
        "compat.tables": "DagModel DagTag DagOwnerAttributes get_last_dagrun",
        "dates": "cron_presets",
        "compat.dagbag": "DagBag",
        "abstractoperator": "TaskStateChangeCallback DagStateChangeCallback=TaskStateChangeCallback",
        "compat.annotations": "ScheduleInterval ScheduleIntervalArg ScheduleArg SLAMissCallback",
    },
    "airflow.models.dagbag": {"compat.dagbag": "DagBag"},
    "airflow.models.dagcode": {"compat.tables": "DagCode"},
    "airflow.models.dagparam": {"params": "DagParam"},
    "airflow.models.dagpickle": {"compat.tables": "DagPickle"},
    "airflow.models.dagrun": {"dagrun": "DagRun"},
    "airflow.models.dagwarning": {"compat.tables": "DagWarning"},
    "airflow.models.dataset": {
        **_DATASET,
        "compat.tables": "DatasetModel DatasetAliasModel DatasetDagRunQueue",
        "outlet_events": "DatasetEvent",
    },
    "airflow.models.db_callback_request": {"compat.tables": "DbCallbackRequest"},
    "airflow.models.errors": {"compat.tables": "ParseImportError ImportError=ParseImportError"},
    "airflow.models.expandinput": {
        "expandinput": "DictOfListsExpandInput ListOfDictsExpandInput EXPAND_INPUT_EMPTY MappedArgument "
        "NotFullyPopulated"
    },
    "airflow.models.log": {"compat.tables": "Log"},
    "airflow.models.mappedoperator": {"mappedoperator": "MappedOperator OperatorPartial"},
    "airflow.models.operator": {
        "abstractoperator": "Operator=AbstractOperator",
        "baseoperator": "BaseOperator",
        "mappedoperator": "MappedOperator",
    },
    "airflow.models.param": _PARAM,
    "airflow.models.pool": {"compat.tables": "Pool"},
    "airflow.models.renderedtifields": {"compat.tables": "RenderedTaskInstanceFields"},
    "airflow.models.serialized_dag": {"compat.tables": "SerializedDagModel"},
    "airflow.models.skipmixin": {
        "operators.skipmixin": "SkipMixin XCOM_SKIPMIXIN_KEY XCOM_SKIPMIXIN_SKIPPED XCOM_SKIPMIXIN_FOLLOWED"
    },
    "airflow.models.slamiss": {"compat.tables": "SlaMiss"},
    "airflow.models.taskfail": {"compat.tables": "TaskFail"},
    "airflow.models.taskinstance": {
        "taskinstance": "TaskInstance SimpleTaskInstance",
        "compat.tables": "clear_task_instances",
        "context": "set_current_context",
    },
    "airflow.models.taskinstancehistory": {"compat.tables": "TaskInstanceHistory"},
    "airflow.models.taskinstancekey": {"taskinstance": "TaskInstanceKey"},
    "airflow.models.taskmixin": {"taskmixin": "DAGNode DependencyMixin TaskMixin=DependencyMixin"},
    "airflow.models.taskreschedule": {"compat.tables": "TaskReschedule"},
    "airflow.models.trigger": {"compat.tables": "Trigger"},
    "airflow.models.variable": {"variable": "Variable"},
    "airflow.models.xcom": {"xcom": "XCom BaseXCom LazyXComSelectSequence", "types": "XCOM_RETURN_KEY"},
    "airflow.models.xcom_arg": {"xcom_arg": "XComArg PlainXComArg MapXComArg ZipXComArg ConcatXComArg"},
    # Operators.
    "airflow.operators": {},
    "airflow.operators.bash": {"operators.bash": "BashOperator", **_SUBPROCESS},
    "airflow.operators.branch": {"operators.branch": "BaseBranchOperator BranchMixIn"},
    "airflow.operators.datetime": {"operators.datetime": "BranchDateTimeOperator target_times_as_dates"},
    "airflow.operators.email": {"operators.email": "EmailOperator"},
    "airflow.operators.empty": {"operators.empty": "EmptyOperator"},
    "airflow.operators.generic_transfer": {"operators.generic_transfer": "GenericTransfer"},
    "airflow.operators.latest_only": {"operators.latest_only": "LatestOnlyOperator"},
    "airflow.operators.python": {**_PYTHON, "decorators": "task"},
    "airflow.operators.smooth": {"operators.smooth": "SmoothOperator"},
    "airflow.operators.subdag": {"operators.subdag": "SubDagOperator SkippedStatePropagationOptions"},
    "airflow.operators.trigger_dagrun": _TRIGGER_DAGRUN,
    "airflow.operators.weekday": {"operators.weekday": "BranchDayOfWeekOperator"},
    "airflow.operators.dummy": {"operators.empty": "DummyOperator=EmptyOperator EmptyOperator"},
    "airflow.operators.branch_operator": {"operators.branch": "BaseBranchOperator"},
    # Sensors.
    "airflow.sensors": {},
    "airflow.sensors.base": {
        "sensors.base": "BaseSensorOperator PokeReturnValue poke_mode_only",
        "compat.decorators": "apply_defaults",
    },
    "airflow.sensors.bash": {"sensors.bash": "BashSensor"},
    "airflow.sensors.date_time": {"sensors.date_time": "DateTimeSensor DateTimeSensorAsync"},
    "airflow.sensors.external_task": _EXTERNAL_TASK,
    "airflow.sensors.filesystem": {"sensors.filesystem": "FileSensor"},
    "airflow.sensors.python": {"sensors.python": "PythonSensor"},
    "airflow.sensors.time_delta": {"sensors.time_delta": "TimeDeltaSensor TimeDeltaSensorAsync"},
    "airflow.sensors.time_sensor": {"sensors.time_sensor": "TimeSensor TimeSensorAsync"},
    "airflow.sensors.weekday": {"sensors.weekday": "DayOfWeekSensor"},
    # Triggers and hooks.
    "airflow.triggers": {},
    "airflow.triggers.base": _TRIGGERS_BASE,
    "airflow.triggers.external_task": {"triggers.external_task": "WorkflowTrigger DagStateTrigger TaskStateTrigger"},
    "airflow.triggers.file": {"triggers.file": "FileTrigger"},
    "airflow.triggers.temporal": {"triggers.temporal": "DateTimeTrigger TimeDeltaTrigger"},
    "airflow.triggers.testing": {"triggers.testing": "SuccessTrigger FailureTrigger"},
    "airflow.hooks": {},
    "airflow.hooks.base": {"hooks_base": "BaseHook DiscoverableHook"},
    "airflow.hooks.filesystem": {"hooks.filesystem": "FSHook"},
    "airflow.hooks.package_index": {"hooks.package_index": "PackageIndexHook"},
    "airflow.hooks.subprocess": _SUBPROCESS,
    # TaskFlow, datasets, timetables.
    "airflow.decorators": _DECORATORS,
    "airflow.decorators.base": {
        "decorators.base": "DecoratedOperator TaskDecorator task_decorator_factory get_unique_task_id"
    },
    "airflow.decorators.python": {"decorators": "python_task", "decorators.python": "_PythonDecoratedOperator"},
    "airflow.decorators.bash": {"decorators": "bash_task", "decorators.bash": "_BashDecoratedOperator"},
    "airflow.decorators.branch_external_python": {"decorators": "branch_external_python_task"},
    "airflow.decorators.branch_python": {"decorators": "branch_task"},
    "airflow.decorators.branch_virtualenv": {"decorators": "branch_virtualenv_task"},
    "airflow.decorators.external_python": {"decorators": "external_python_task"},
    "airflow.decorators.python_virtualenv": {"decorators": "virtualenv_task"},
    "airflow.decorators.short_circuit": {"decorators": "short_circuit_task"},
    "airflow.decorators.sensor": {"decorators": "sensor_task", "decorators.sensor": "DecoratedSensorOperator"},
    "airflow.decorators.task_group": {"decorators": "task_group"},
    "airflow.decorators.setup_teardown": {
        "decorators.marks": "setup_task teardown_task ContextWrapper context_wrapper"
    },
    "airflow.decorators.condition": {"decorators.conditions": "run_if skip_if"},
    "airflow.datasets": _DATASET,
    "airflow.datasets.metadata": {"datasets": "Metadata"},
    "airflow.timetables": {},
    "airflow.timetables._cron": {"timetables.cron": "CronMixin"},
    "airflow.timetables.base": {"timetables.base": "DagRunInfo DataInterval TimeRestriction Timetable"},
    "airflow.timetables.datasets": {"timetables.datasets": "DatasetOrTimeSchedule"},
    "airflow.timetables.events": {"timetables.events": "EventsTimetable"},
    "airflow.timetables.interval": {"timetables.interval": "CronDataIntervalTimetable DeltaDataIntervalTimetable"},
    "airflow.timetables.simple": {
        "timetables.simple": "NullTimetable OnceTimetable ContinuousTimetable DatasetTriggeredTimetable"
    },
    "airflow.timetables.trigger": {"timetables.trigger": "CronTriggerTimetable"},
    "airflow.task.priority_strategy": {"weight_rule": "PriorityWeightStrategy"},
    "airflow.notifications": {},
    "airflow.notifications.basenotifier": {"notifier": "BaseNotifier"},
    "airflow.template.templater": {"templates": "Templater LiteralValue"},
    "airflow.macros": {"macros": "*"},
    "airflow.io": {"object_storage": "get_fs has_fs"},
    "airflow.io.path": {"object_storage": "ObjectStoragePath"},
    "airflow.io.store": {"object_storage": "ObjectStore attach"},
    "airflow.lineage": {"lineage": "AUTO PIPELINE_INLETS PIPELINE_OUTLETS apply_lineage prepare_lineage"},
    "airflow.lineage.backend": {"compat.lineage": "LineageBackend"},
    "airflow.lineage.entities": {"lineage": "File User Tag Column Table"},
    "airflow.lineage.hook": {"compat.lineage": "get_hook_lineage_collector NoOpCollector"},
    "airflow.traces": {"compat.traces": "NO_TRACE_ID TRACEPARENT TRACESTATE"},
    "airflow.traces.tracer": {"compat.traces": "Trace Tracer EmptyTrace EmptySpan EMPTY_SPAN"},
    "airflow.traces.otel_tracer": {"compat.traces": "get_otel_tracer get_otel_tracer_for_task"},
    "airflow.api": {},
    "airflow.api.common": {},
    "airflow.api.common.trigger_dag": {"compat.tables": "trigger_dag"},
    "airflow.api.client.local_client": {"compat.tables": "Client"},
    "airflow.jobs.job": {"compat.tables": "Job"},
    "airflow.cli.commands.db_command": {"compat.database": "all_tables"},
    "airflow.executors.base_executor": {"compat.executors": "BaseExecutor"},
    "airflow.executors.debug_executor": {"compat.executors": "DebugExecutor"},
    "airflow.executors.local_executor": {"compat.executors": "LocalExecutor"},
    "airflow.executors.sequential_executor": {"compat.executors": "SequentialExecutor"},
    # Utilities.
    "airflow.utils": {},
    "airflow.utils.context": {
        "context": "Context ConnectionAccessor VariableAccessor KNOWN_CONTEXT_KEYS context_merge context_copy_partial "
        "lazy_mapping_from_context AirflowContextDeprecationWarning",
        "outlet_events": "context_get_outlet_events OutletEventAccessor OutletEventAccessors InletEventsAccessors",
    },
    "airflow.utils.dag_cycle_tester": {"dag_checks": "check_cycle"},
    "airflow.utils.dag_parsing_context": {"compat.dag_parsing_context": "AirflowParsingContext get_parsing_context"},
    "airflow.utils.dates": {"dates": "*", "compat.names": "datetime timedelta"},
    "airflow.utils.db": {
        **_SESSION,
        "compat.database": "initdb resetdb upgradedb merge_conn create_default_connections "
        "add_default_pool_if_not_exists",
    },
    "airflow.utils.decorators": {"compat.decorators": "apply_defaults remove_task_decorator"},
    "airflow.utils.edgemodifier": _EDGES,
    "airflow.utils.email": {
        "email": "send_email send_email_smtp build_mime_message send_mime_email get_email_address_list"
    },
    "airflow.utils.file": {
        "compat.file": "TemporaryDirectory mkdirs correct_maybe_zipped open_maybe_zipped list_py_file_paths "
        "might_contain_dag get_unique_dag_module_name"
    },
    "airflow.utils.helpers": {"helpers": "*", "operators.links": "build_airflow_url_with_query", **_CHAIN},
    "airflow.utils.log": {},
    "airflow.utils.log.logging_mixin": {"logging_mixin": "LoggingMixin"},
    "airflow.utils.log.secrets_masker": {
        "secrets": "mask_secret redact should_hide_value_for_key SecretsMasker RedactedIO DEFAULT_SENSITIVE_FIELDS "
        "get_sensitive_variables_fields"
    },
    "airflow.utils.module_loading": {"compat.module_loading": "import_string qualname iter_namespace"},
    "airflow.utils.net": {"compat.net": "getfqdn get_hostname get_host_ip_address"},
    "airflow.utils.operator_helpers": {
        "operator_helpers": "context_to_airflow_vars determine_kwargs make_kwargs_callable KeywordParameters "
        "ExecutionCallableRunner"
    },
    "airflow.utils.operator_resources": {"resources": "Resources"},
    "airflow.utils.process_utils": {"compat.process_utils": "execute_in_subprocess patch_environ"},
    "airflow.utils.session": _SESSION,
    "airflow.utils.setup_teardown": {"setup_teardown": "SetupTeardownContext"},
    "airflow.utils.state": _STATE,
    "airflow.utils.strings": {"compat.strings": "get_random_string to_boolean TRUE_LIKE_VALUES"},
    "airflow.utils.task_group": _TASK_GROUP,
    "airflow.utils.template": {"templates": "literal"},
    "airflow.utils.timeout": {"compat.timeout": "timeout TimeoutPosix"},
    "airflow.utils.timezone": {"timezone": "*"},
    "airflow.utils.trigger_rule": {"trigger_rule": "TriggerRule"},
    "airflow.utils.types": {"types": "ArgNotSet NOTSET DagRunType EdgeInfoType"},
    "airflow.utils.weekday": {"compat.weekday": "WeekDay"},
    "airflow.utils.weight_rule": {"weight_rule": "WeightRule db_safe_priority"},
    "airflow.utils.xcom": {"types": "XCOM_RETURN_KEY"},
    # Providers.
    "airflow.providers": {},
    "airflow.providers.standard.operators.bash": {"operators.bash": "BashOperator"},
    "airflow.providers.standard.operators.branch": {"operators.branch": "BaseBranchOperator BranchMixIn"},
    "airflow.providers.standard.operators.datetime": {"operators.datetime": "BranchDateTimeOperator"},
    "airflow.providers.standard.operators.empty": {"operators.empty": "EmptyOperator"},
    "airflow.providers.standard.operators.latest_only": {"operators.latest_only": "LatestOnlyOperator"},
    "airflow.providers.standard.operators.python": _PYTHON,
    "airflow.providers.standard.operators.smooth": {"operators.smooth": "SmoothOperator"},
    "airflow.providers.standard.operators.trigger_dagrun": _TRIGGER_DAGRUN,
    "airflow.providers.standard.operators.weekday": {"operators.weekday": "BranchDayOfWeekOperator"},
    "airflow.providers.standard.sensors.bash": {"sensors.bash": "BashSensor"},
    "airflow.providers.standard.sensors.date_time": {"sensors.date_time": "DateTimeSensor DateTimeSensorAsync"},
    "airflow.providers.standard.sensors.external_task": _EXTERNAL_TASK,
    "airflow.providers.standard.sensors.filesystem": {"sensors.filesystem": "FileSensor"},
    "airflow.providers.standard.sensors.python": {"sensors.python": "PythonSensor"},
    "airflow.providers.standard.sensors.time": {"sensors.time_sensor": "TimeSensor TimeSensorAsync"},
    "airflow.providers.standard.sensors.time_delta": {"sensors.time_delta": "TimeDeltaSensor TimeDeltaSensorAsync"},
    "airflow.providers.standard.sensors.weekday": {"sensors.weekday": "DayOfWeekSensor"},
    "airflow.providers.standard.hooks.filesystem": {"hooks.filesystem": "FSHook"},
    "airflow.providers.standard.hooks.package_index": {"hooks.package_index": "PackageIndexHook"},
    "airflow.providers.standard.hooks.subprocess": _SUBPROCESS,
    "airflow.providers.standard.triggers.external_task": {"triggers.external_task": "WorkflowTrigger DagStateTrigger"},
    "airflow.providers.standard.triggers.file": {"triggers.file": "FileTrigger"},
    "airflow.providers.standard.triggers.temporal": {"triggers.temporal": "DateTimeTrigger TimeDeltaTrigger"},
    "airflow.providers.standard.utils.weekday": {"compat.weekday": "WeekDay"},
    "airflow.providers.common.compat.standard.operators": _PYTHON,
    "airflow.providers.common.sql.hooks.sql": {
        "hooks.sql": "DbApiHook",
        "hooks.sql_handlers": "fetch_all_handler fetch_one_handler return_single_query_results",
    },
    "airflow.providers.common.sql.hooks.handlers": {
        "hooks.sql_handlers": "fetch_all_handler fetch_one_handler return_single_query_results"
    },
    "airflow.providers.common.sql.operators.sql": _SQL_OPERATORS,
    "airflow.providers.common.sql.operators.generic_transfer": {"operators.generic_transfer": "GenericTransfer"},
    "airflow.providers.common.sql.sensors.sql": {"sensors.sql": "SqlSensor"},
    "airflow.providers.common.io.operators.file_transfer": {"operators.file_transfer": "FileTransferOperator"},
    "airflow.providers.sqlite.hooks.sqlite": {"hooks.sqlite": "SqliteHook"},
    "airflow.providers.sqlite.operators.sqlite": {"operators.sql_databases": "SqliteOperator"},
    "airflow.providers.postgres.hooks.postgres": {"hooks.postgres": "PostgresHook"},
    "airflow.providers.postgres.operators.postgres": {"operators.sql_databases": "PostgresOperator"},
    "airflow.providers.http.hooks.http": {
        "hooks.http": "HttpHook HttpAsyncHook HttpErrorException HttpMethodException"
    },
    "airflow.providers.http.operators.http": {
        "operators.http": "HttpOperator SimpleHttpOperator=HttpOperator",
    },
    "airflow.providers.http.sensors.http": {"sensors.http": "HttpSensor"},
    "airflow.providers.http.triggers.http": {"triggers.http": "HttpTrigger HttpSensorTrigger"},
    "airflow.providers.smtp.hooks.smtp": {"hooks.smtp": "SmtpHook"},
    "airflow.providers.smtp.operators.smtp": {"operators.smtp": "EmailOperator"},
    "airflow.providers.smtp.notifications.smtp": {"notifications.smtp": "SmtpNotifier send_smtp_notification"},
    # Airflow 3, where the meaning is the same.
    "airflow.sdk": {
        **_DECORATORS,
        "dag": "DAG",
        "datasets": "Asset=Dataset AssetAlias=DatasetAlias AssetAll=DatasetAll AssetAny=DatasetAny Metadata "
        "Dataset DatasetAlias",
        "baseoperator": "BaseOperator",
        "sensors.base": "BaseSensorOperator PokeReturnValue",
        "hooks_base": "BaseHook",
        "notifier": "BaseNotifier",
        "operator_link": "BaseOperatorLink",
        "connection": "Connection",
        "variable": "Variable",
        "context": "Context get_current_context",
        "params": "Param ParamsDict",
        "task_group": "TaskGroup",
        "trigger_rule": "TriggerRule",
        "weight_rule": "WeightRule",
        "edges": "EdgeModifier Label",
        "object_storage": "ObjectStoragePath",
        "xcom_arg": "XComArg",
        "compat.dag_parsing_context": "get_parsing_context",
        "state": "DagRunState TaskInstanceState",
        "templates": "literal",
        **_CHAIN,
        **_TIMETABLES,
        "timetables.datasets": "AssetOrTimeSchedule=DatasetOrTimeSchedule",
    },
    "airflow.sdk.bases.hook": {"hooks_base": "BaseHook"},
    "airflow.sdk.bases.notifier": {"notifier": "BaseNotifier"},
    "airflow.sdk.bases.operator": {"baseoperator": "BaseOperator", **_CHAIN},
    "airflow.sdk.bases.operatorlink": {"operator_link": "BaseOperatorLink"},
    "airflow.sdk.bases.sensor": {"sensors.base": "BaseSensorOperator PokeReturnValue poke_mode_only"},
    "airflow.sdk.definitions.asset": {
        "datasets": "Asset=Dataset AssetAlias=DatasetAlias AssetAll=DatasetAll AssetAny=DatasetAny Dataset"
    },
    "airflow.sdk.definitions.asset.metadata": {"datasets": "Metadata"},
    "airflow.sdk.definitions.connection": {"connection": "Connection"},
    "airflow.sdk.definitions.context": {"context": "Context get_current_context"},
    "airflow.sdk.definitions.dag": {"dag": "DAG dag"},
    "airflow.sdk.definitions.decorators": _DECORATORS,
    "airflow.sdk.definitions.edges": {"edges": "EdgeModifier Label"},
    "airflow.sdk.definitions.mappedoperator": {"mappedoperator": "MappedOperator"},
    "airflow.sdk.definitions.param": {"params": "Param ParamsDict"},
    "airflow.sdk.definitions.taskgroup": {"task_group": "TaskGroup MappedTaskGroup"},
    "airflow.sdk.definitions.template": {"templates": "literal"},
    "airflow.sdk.definitions.variable": {"variable": "Variable"},
    "airflow.sdk.definitions.xcom_arg": {"xcom_arg": "XComArg"},
    "airflow.sdk.exceptions": {"exceptions": "*"},
    "airflow.sdk.io": {"object_storage": "ObjectStoragePath attach"},
    "airflow.sdk.timezone": {"timezone": "*"},
    "airflow.sdk.types": {"taskinstance": "TaskInstance", "dagrun": "DagRun"},
    "airflow.timetables.assets": {"timetables.datasets": "AssetOrTimeSchedule=DatasetOrTimeSchedule"},
}

MOVED: Mapping[str, str] = {
    "airflow.operators.bash_operator": "airflow.operators.bash",
    "airflow.operators.branch_operator": "airflow.operators.branch",
    "airflow.operators.dagrun_operator": "airflow.operators.trigger_dagrun",
    "airflow.operators.dummy_operator": "airflow.operators.dummy",
    "airflow.operators.email_operator": "airflow.operators.email",
    "airflow.operators.latest_only_operator": "airflow.operators.latest_only",
    "airflow.operators.python_operator": "airflow.operators.python",
    "airflow.operators.subdag_operator": "airflow.operators.subdag",
    "airflow.operators.check_operator": "airflow.providers.common.sql.operators.sql",
    "airflow.operators.sql": "airflow.providers.common.sql.operators.sql",
    "airflow.operators.sql_branch_operator": "airflow.providers.common.sql.operators.sql",
    "airflow.operators.http_operator": "airflow.providers.http.operators.http",
    "airflow.operators.postgres_operator": "airflow.providers.postgres.operators.postgres",
    "airflow.operators.sqlite_operator": "airflow.providers.sqlite.operators.sqlite",
    "airflow.sensors.base_sensor_operator": "airflow.sensors.base",
    "airflow.sensors.bash_sensor": "airflow.sensors.bash",
    "airflow.sensors.date_time_sensor": "airflow.sensors.date_time",
    "airflow.sensors.external_task_sensor": "airflow.sensors.external_task",
    "airflow.sensors.http_sensor": "airflow.providers.http.sensors.http",
    "airflow.sensors.python_sensor": "airflow.sensors.python",
    "airflow.sensors.sql": "airflow.providers.common.sql.sensors.sql",
    "airflow.sensors.sql_sensor": "airflow.providers.common.sql.sensors.sql",
    "airflow.sensors.time_delta_sensor": "airflow.sensors.time_delta",
    "airflow.sensors.weekday_sensor": "airflow.sensors.weekday",
    "airflow.hooks.base_hook": "airflow.hooks.base",
    "airflow.hooks.dbapi": "airflow.providers.common.sql.hooks.sql",
    "airflow.hooks.dbapi_hook": "airflow.providers.common.sql.hooks.sql",
    "airflow.hooks.http_hook": "airflow.providers.http.hooks.http",
    "airflow.hooks.postgres_hook": "airflow.providers.postgres.hooks.postgres",
    "airflow.hooks.sqlite_hook": "airflow.providers.sqlite.hooks.sqlite",
    "airflow.contrib.hooks.fs_hook": "airflow.hooks.filesystem",
    "airflow.contrib.sensors.bash_sensor": "airflow.sensors.bash",
    "airflow.contrib.sensors.file_sensor": "airflow.sensors.filesystem",
    "airflow.contrib.sensors.python_sensor": "airflow.sensors.python",
    "airflow.contrib.sensors.weekday_sensor": "airflow.sensors.weekday",
    "airflow.contrib.operators.dagrun_operator": "airflow.operators.trigger_dagrun",
    "airflow.api.common.experimental.trigger_dag": "airflow.api.common.trigger_dag",
    "airflow.providers.standard.sensors.time_sensor": "airflow.providers.standard.sensors.time",
}

#: Single deprecated names → what to use.
DEPRECATED_NAMES: Mapping[str, str] = {
    "airflow.AirflowException": "airflow.exceptions.AirflowException",
    "airflow.models.ImportError": "airflow.models.errors.ParseImportError",
    "airflow.models.errors.ImportError": "airflow.models.errors.ParseImportError",
    "airflow.models.taskmixin.TaskMixin": "airflow.models.taskmixin.DependencyMixin",
    "airflow.operators.dummy.DummyOperator": "airflow.operators.empty.EmptyOperator",
    "airflow.operators.python.task": "airflow.decorators.task",
    "airflow.sensors.external_task.ExternalTaskSensorLink": "airflow.sensors.external_task.ExternalDagLink",
    "airflow.providers.http.operators.http.SimpleHttpOperator": "airflow.providers.http.operators.http.HttpOperator",
    "airflow.providers.postgres.operators.postgres.PostgresOperator": "SQLExecuteQueryOperator of common.sql",
    "airflow.providers.sqlite.operators.sqlite.SqliteOperator": "SQLExecuteQueryOperator of common.sql",
    "airflow.utils.helpers.chain": "airflow.models.baseoperator.chain",
    "airflow.utils.helpers.cross_downstream": "airflow.models.baseoperator.cross_downstream",
}

#: Names that ``from module import *`` leaves out.
NOT_IN_STAR: Mapping[str, str] = {"airflow.models": "ImportError"}

#: Provider (below ``airflow.providers``) → the library that speaks to the same system.
LIBRARIES: Mapping[str, str] = {
    "amazon": "boto3",
    "apache.kafka": "confluent-kafka",
    "apache.spark": "pyspark",
    "atlassian.jira": "jira",
    "cncf.kubernetes": "kubernetes",
    "databricks": "databricks-sdk",
    "dbt.cloud": "httpx",
    "docker": "docker",
    "elasticsearch": "elasticsearch",
    "ftp": "ftplib (Python's own)",
    "google": "google-cloud-storage, google-cloud-bigquery …",
    "imap": "imaplib (Python's own)",
    "microsoft.azure": "azure-storage-blob, azure-identity …",
    "microsoft.mssql": "pymssql",
    "mongo": "pymongo",
    "mysql": "mysqlclient or PyMySQL",
    "odbc": "pyodbc",
    "oracle": "oracledb",
    "redis": "redis",
    "sftp": "paramiko",
    "slack": "slack_sdk",
    "snowflake": "snowflake-connector-python",
    "ssh": "paramiko",
    "telegram": "python-telegram-bot",
    "trino": "trino",
}

#: Path prefix → what to do instead.
ADVICE: Mapping[str, str] = {
    "airflow.executors": "Executors are chosen by the option core.executor; remove the import.",
    "airflow.jobs": "The system's processes are not part of DAG files; remove the import.",
    "airflow.kubernetes": "There is no Kubernetes executor here; remove executor_config and the import.",
    "airflow.www": "Airflow's web application is not here; write against the REST API.",
    "airflow.cli": "Airflow's command line is not here; call manage.py, or the REST API.",
    "airflow.auth": "Airflow's auth managers are not here; users and roles are in the admin pages.",
    "airflow.serialization": "Airflow's serialisation is not here; push JSON values, or give your class serialize().",
    "airflow.example_dags": "Airflow's examples are not here; set dags_folder to a copy of them to run them.",
}
