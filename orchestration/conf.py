"""Typed options under Airflow's own names.

A value is looked for in the environment (``AIRFLOW__SECTION__KEY``, then ``…_CMD`` for sensitive options), then in
``$AIRFLOW_HOME/airflow.cfg``, then in the table of defaults below; in each also under the names the option had in
earlier releases of Airflow 2. The table is what ``GET /config`` shows. Options outside the table are still found in the
environment and the file, because DAG files keep their own there.
"""

from __future__ import annotations

import configparser
import contextlib
import os
import shlex
import stat
import subprocess
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Literal

from orchestration.errors import Invalid

OptionType = Literal["string", "integer", "float", "boolean", "list"]

#: The words that Airflow reads as truth values, in lower case.
TRUE_WORDS = frozenset({"t", "true", "1"})
FALSE_WORDS = frozenset({"f", "false", "0"})


class ConfigError(Invalid):
    """An option's value cannot be read as its type, or its command failed."""

    title = "Bad configuration"


@dataclass(frozen=True, slots=True)
class Option:
    """One option: its place, type, default (as text; may hold ``{AIRFLOW_HOME}``) and meaning."""

    section: str
    key: str
    type: OptionType
    default: str
    meaning: str
    sensitive: bool = False


def _o(
    section: str, key: str, default: str, meaning: str, type: OptionType = "string", sensitive: bool = False
) -> Option:
    return Option(section, key, type, default, meaning, sensitive)


def _i(section: str, key: str, default: int, meaning: str) -> Option:
    return Option(section, key, "integer", str(default), meaning)


def _f(section: str, key: str, default: float, meaning: str) -> Option:
    return Option(section, key, "float", str(default), meaning)


def _b(section: str, key: str, default: bool, meaning: str) -> Option:
    return Option(section, key, "boolean", str(default), meaning)


def _l(section: str, key: str, default: str, meaning: str) -> Option:
    return Option(section, key, "list", default, meaning)


OPTIONS: tuple[Option, ...] = (
    _o("core", "dags_folder", "{AIRFLOW_HOME}/dags", "Folder the DAG files are read from; an absolute path."),
    _o("core", "plugins_folder", "{AIRFLOW_HOME}/plugins", "Folder put on the import path of DAG files and tasks."),
    _o("core", "hostname_callable", "socket.getfqdn", "How a host names itself: socket.getfqdn or socket.gethostname."),
    _o("core", "default_timezone", "utc", "Zone of naive dates in DAG files: utc, system or an IANA name."),
    _o("core", "executor", "LocalExecutor", "Who runs tasks: LocalExecutor, SequentialExecutor or CeleryExecutor."),
    _o("core", "auth_manager", "orchestration.access", "Fixed: users, groups and permissions are Django's own."),
    _i("core", "parallelism", 32, "Tasks that one scheduler's executor runs at once."),
    _i(
        "core",
        "max_active_tasks_per_dag",
        16,
        "Task instances of one DAG that may be active at once, unless the DAG says.",
    ),
    _i("core", "max_active_runs_per_dag", 16, "Running runs of one DAG, unless the DAG says."),
    _i(
        "core",
        "max_consecutive_failed_dag_runs_per_dag",
        0,
        "Pause a DAG after so many failed runs in a row; 0 is never.",
    ),
    _b("core", "dags_are_paused_at_creation", True, "New DAGs start paused."),
    _b("core", "load_examples", False, "Also read the sample DAGs that come with the program."),
    _b(
        "core",
        "hide_sensitive_var_conn_fields",
        True,
        "Mask values whose name looks secret, in logs, forms and answers.",
    ),
    _l("core", "sensitive_var_conn_names", "", "Further words that make a name look secret."),
    _o("core", "fernet_key", "", "Keys for encryption at rest, newest first, separated by commas.", sensitive=True),
    _o("core", "test_connection", "Disabled", "Connection tests through the API: Disabled, Enabled or Hidden."),
    _b("core", "enable_xcom_pickling", False, "Accepted for compatibility; XComs are always JSON here."),
    _i("core", "max_templated_field_length", 4096, "Characters of a rendered field that are kept."),
    _i("core", "max_map_length", 1024, "Most task instances one mapped task may expand to."),
    _i("core", "default_task_retries", 0, "Retries of a task that does not say."),
    _i("core", "default_task_retry_delay", 300, "Seconds between tries of a task that does not say."),
    _i("core", "max_task_retry_delay", 86400, "Longest delay between tries, in seconds."),
    _o("core", "default_task_execution_timeout", "", "Seconds a task may take if it does not say; empty is no limit."),
    _o("core", "default_task_weight_rule", "downstream", "Weight rule of a task that does not say."),
    _o(
        "core", "default_impersonation", "", "Accepted for compatibility; tasks run as the user that runs the executor."
    ),
    _o("core", "default_pool_task_slot_count", "128", "Slots of default_pool when it is first made.", "integer"),
    _f("core", "dagbag_import_timeout", 30.0, "Seconds one DAG file may take to import."),
    _i("core", "dag_file_processor_timeout", 50, "Seconds one DAG file may take to be parsed, all in all."),
    _b("core", "dag_discovery_safe_mode", True, "Read only files that hold the words dag and airflow."),
    _o("core", "dag_ignore_file_syntax", "regexp", "Syntax of .airflowignore: regexp or glob."),
    _i("core", "dag_file_memory_limit_mb", 1024, "Address space a DAG file's parser may use, in MiB; 0 is no limit."),
    _i("core", "killed_task_cleanup_time", 60, "Seconds between SIGTERM and SIGKILL for a task's processes."),
    _b("core", "check_slas", True, "Record missed SLAs."),
    _b("core", "strict_dataset_uri_validation", False, "Refuse dataset URIs that are not AIP-60 compliant."),
    _o("core", "allowed_deserialization_classes", "airflow.*", "Classes a task may read back from its own XComs."),
    _o("core", "daemon_umask", "0o077", "File mode creation mask of the processes."),
    _o(
        "database",
        "sql_alchemy_conn",
        "sqlite:///{AIRFLOW_HOME}/airflowsite.db",
        "The database, as SQLAlchemy or Django style URL.",
        sensitive=True,
    ),
    _i("database", "sql_alchemy_pool_size", 5, "Connections a web process keeps open to PostgreSQL; 0 is no pool."),
    _o("database", "sql_alchemy_schema", "", "PostgreSQL schema of the tables; empty is the search path's first."),
    _b("database", "check_migrations", True, "Processes refuse to start before the migrations ran."),
    _i("database", "max_db_retries", 3, "Times a failed database operation is tried again."),
    _i("database", "sqlite_busy_timeout", 20, "Seconds a writer waits for another on SQLite."),
    _o("logging", "base_log_folder", "{AIRFLOW_HOME}/logs", "Folder of all logs; an absolute path."),
    _o("logging", "logging_level", "INFO", "Level of the system's and the tasks' loggers."),
    _o("logging", "log_format_style", "console", "Form of the processes' own logs: console or json."),
    _o(
        "logging",
        "log_format",
        "[%(asctime)s] {%(filename)s:%(lineno)d} %(levelname)s - %(message)s",
        "Line format of task logs.",
    ),
    _o(
        "logging",
        "log_filename_template",
        "dag_id={{ ti.dag_id }}/run_id={{ ti.run_id }}/task_id={{ ti.task_id }}/"
        "{% if ti.map_index >= 0 %}map_index={{ ti.map_index }}/{% endif %}attempt={{ try_number }}.log",
        "Path of a try's log below base_log_folder.",
    ),
    _o(
        "logging",
        "dag_processor_manager_log_location",
        "{AIRFLOW_HOME}/logs/dag_processor_manager/dag_processor_manager.log",
        "Accepted for compatibility.",
    ),
    _b("logging", "remote_logging", False, "Accepted for compatibility; logs are kept on this machine."),
    _i("logging", "trigger_log_server_port", 8794, "Port of a triggerer's log server."),
    _i("logging", "worker_log_server_port", 8793, "Port of a worker's log server."),
    _o("logging", "worker_log_server_host", "127.0.0.1", "Address a worker's log server listens on."),
    _b("metrics", "statsd_on", False, "Send metrics under Airflow's names to a StatsD server."),
    _o("metrics", "statsd_host", "localhost", "StatsD host."),
    _i("metrics", "statsd_port", 8125, "StatsD port."),
    _o("metrics", "statsd_prefix", "airflow", "First part of every metric's name."),
    _o(
        "api",
        "auth_backends",
        "airflow.api.auth.backend.session,airflow.api.auth.backend.basic_auth,airflow.api.auth.backend.token",
        "Who may authenticate API calls, asked in this order.",
        "list",
    ),
    _o(
        "api",
        "auth_backend",
        "",
        "The old single name of auth_backends; used for the experimental API where it is set.",
    ),
    _b("api", "enable_experimental_api", False, "Serve the legacy API under /api/experimental."),
    _b(
        "api",
        "experimental_open_beyond_loopback",
        False,
        "Confirm that the open backend may answer callers from other hosts.",
    ),
    _i("api", "maximum_page_limit", 100, "Most rows one page of a list holds."),
    _i("api", "fallback_page_limit", 100, "Rows of a page whose limit is 0 or not given."),
    _o("api", "access_control_allow_headers", "", "CORS: headers a browser may send, separated by commas."),
    _o("api", "access_control_allow_methods", "", "CORS: methods a browser may use, separated by commas."),
    _o("api", "access_control_allow_origins", "", "CORS: origins that may call, separated by blanks; empty is none."),
    _b("api", "enable_xcom_deserialize_support", False, "Allow deserialize=true on XCom entries."),
    _i("api", "maximum_body_bytes", 10_485_760, "Largest request body, in bytes."),
    _i("api", "requests_per_minute_of_user", 0, "Calls of a user in a minute before 429, on each machine; 0 is any."),
    _i("api", "requests_per_minute_of_address", 0, "The same of an address, for calls without credentials."),
    _i(
        "api",
        "credential_cache_seconds",
        60,
        "Seconds a verified Basic credential is remembered; 0 verifies each call.",
    ),
    _o("webserver", "base_url", "http://localhost:8080", "Address people reach the web server at."),
    _o("webserver", "web_server_host", "127.0.0.1", "Address the web server listens on."),
    _i("webserver", "web_server_port", 8080, "Port the web server listens on."),
    _i("webserver", "workers", 2, "Web server processes."),
    _i("webserver", "worker_threads", 4, "Threads in each web server process."),
    _i("webserver", "web_server_worker_timeout", 120, "Seconds before a silent web worker is replaced."),
    _o(
        "webserver",
        "secret_key",
        "",
        "Key that signs sessions and tokens; empty: made at first start and kept in AIRFLOW_HOME.",
        sensitive=True,
    ),
    _o(
        "webserver",
        "expose_config",
        "False",
        "Show the configuration through the API: True, False or non-sensitive-only.",
    ),
    _b("webserver", "expose_stacktrace", False, "Accepted for compatibility; answers never hold traces."),
    _b("webserver", "expose_hostname", False, "Show host names in the operators' pages."),
    _l("webserver", "allowed_hosts", "localhost,127.0.0.1,[::1]", "Host headers answered besides base_url's."),
    _o("webserver", "default_ui_timezone", "UTC", "Zone the operators' pages start in."),
    _o("webserver", "instance_name", "airflowsite", "Name shown in the operators' pages."),
    _o(
        "webserver",
        "navbar_color",
        "",
        "Colour of the instance's label in the operators' pages, as #rrggbb; empty: no label.",
    ),
    _o("webserver", "default_dag_run_display_number", "25", "Runs shown in the grid.", "integer"),
    _o("webserver", "web_server_ssl_cert", "", "Certificate file; set with the key to serve HTTPS."),
    _o("webserver", "web_server_ssl_key", "", "Private key file of the certificate."),
    _b("webserver", "cookie_secure", False, "Send cookies over HTTPS only."),
    _o("webserver", "cookie_samesite", "Lax", "SameSite of the session cookie."),
    _i("webserver", "session_lifetime_minutes", 43200, "Minutes a session lives, used or not."),
    _i("webserver", "session_idle_minutes", 0, "Minutes a session lives without being used; 0 is as long as it lives."),
    _o(
        "webserver",
        "second_factor",
        "",
        "module:function that looks at the one-time code of a login at the desk, as (user, code), and returns whether "
        "it is right; leave Basic out of api.auth_backends then. Empty asks for no code.",
    ),
    _i(
        "webserver",
        "password_minimum_length",
        1,
        "Fewest characters of a password, on every road; 12 is wise beyond one machine.",
    ),
    _i("webserver", "login_failure_limit", 20, "Failed logins of a name or address before it must wait; 0 is never."),
    _i("webserver", "login_lockout_seconds", 300, "Seconds a name or address is kept waiting then."),
    _b("webserver", "password_refuse_common", False, "Refuse common passwords and those like the user's name."),
    _b("webserver", "enable_proxy_fix", False, "Believe X-Forwarded-* of a proxy in front."),
    _f("scheduler", "scheduler_heartbeat_sec", 5, "Seconds between passes when nothing wakes the loop."),
    _f("scheduler", "job_heartbeat_sec", 5, "Seconds between heartbeats of processes and running tasks."),
    _f(
        "scheduler",
        "scheduler_idle_sleep_time",
        1,
        "Longest sleep after a pass that found no work on SQLite, in seconds.",
    ),
    _i(
        "scheduler",
        "scheduler_health_check_threshold",
        30,
        "A scheduler is unhealthy after so many seconds without a heartbeat.",
    ),
    _i(
        "scheduler",
        "scheduler_zombie_task_threshold",
        300,
        "A running task is lost after so many seconds without a heartbeat.",
    ),
    _f("scheduler", "zombie_detection_interval", 10.0, "Seconds between searches for lost tasks."),
    _i("scheduler", "task_queued_timeout", 600, "A task queued for so many seconds is sent again or failed."),
    _i("scheduler", "num_runs", -1, "Passes after which the loop ends; -1 is never."),
    _b("scheduler", "catchup_by_default", True, "Make all missed runs of a DAG that does not say."),
    _b("scheduler", "use_job_schedule", True, "Make scheduled runs at all."),
    _b("scheduler", "allow_trigger_in_future", False, "A run dated in the future runs at once."),
    _i("scheduler", "max_tis_per_query", 512, "Task instances one statement moves."),
    _i("scheduler", "max_dagruns_to_create_per_loop", 10, "DAGs for which one pass makes new runs."),
    _i("scheduler", "max_dagruns_per_loop_to_schedule", 100, "Runs that one batch of a pass decides."),
    _b("scheduler", "schedule_after_task_execution", True, "A finished task makes its successors ready at once."),
    _i("scheduler", "min_file_process_interval", 30, "Seconds after which an unchanged DAG file is parsed again."),
    _i("scheduler", "dag_dir_list_interval", 300, "Seconds between full listings of the DAGs folder."),
    _i("scheduler", "parsing_processes", 2, "DAG files parsed at once."),
    _i("scheduler", "print_stats_interval", 30, "Seconds between the processor's statistics in its log."),
    _f("scheduler", "trigger_timeout_check_interval", 15, "Seconds between checks of deferred tasks' timeouts."),
    _i("scheduler", "orphaned_tasks_check_interval", 300, "Seconds between searches for tasks of dead schedulers."),
    _i(
        "scheduler",
        "stale_dag_threshold",
        50,
        "Seconds after which a DAG whose file no longer defines it is deactivated.",
    ),
    _b("scheduler", "enable_health_check", False, "Serve a small health page from the scheduler."),
    _i("scheduler", "scheduler_health_check_server_port", 8974, "Port of that page."),
    _i("triggerer", "default_capacity", 1000, "Triggers one triggerer runs at once."),
    _f("triggerer", "job_heartbeat_sec", 5, "Seconds between a triggerer's heartbeats."),
    _i(
        "triggerer",
        "triggerer_health_check_threshold",
        30,
        "A triggerer is unhealthy after so many seconds without a heartbeat.",
    ),
    _o("operators", "default_owner", "airflow", "Owner of a task that does not say."),
    _b("operators", "default_deferrable", False, "Operators that can wait without a process do so."),
    _i("operators", "default_cpus", 1, "Accepted for compatibility."),
    _i("operators", "default_ram", 512, "Accepted for compatibility."),
    _i("operators", "default_disk", 512, "Accepted for compatibility."),
    _i("operators", "default_gpus", 0, "Accepted for compatibility."),
    _o("operators", "default_queue", "default", "Queue of a task that does not say."),
    _b(
        "operators", "allow_illegal_arguments", False, "Ignore unknown operator arguments instead of refusing the file."
    ),
    _o(
        "email",
        "email_backend",
        "airflow.utils.email.send_email_smtp",
        "Accepted for compatibility; mail goes by SMTP.",
    ),
    _o("email", "email_conn_id", "smtp_default", "Connection of the SMTP server."),
    _b("email", "default_email_on_retry", True, "Mail the task's addresses when it is tried again."),
    _b("email", "default_email_on_failure", True, "Mail the task's addresses when it fails."),
    _o("email", "from_email", "", "Sender of mails."),
    _o("email", "subject_template", "", "File with a template of the subject."),
    _o("email", "html_content_template", "", "File with a template of the body."),
    _o("smtp", "smtp_host", "localhost", "SMTP server."),
    _b("smtp", "smtp_starttls", True, "Use STARTTLS."),
    _b("smtp", "smtp_ssl", False, "Use TLS from the start."),
    _o("smtp", "smtp_user", "", "SMTP user."),
    _o("smtp", "smtp_password", "", "SMTP password.", sensitive=True),
    _i("smtp", "smtp_port", 25, "SMTP port."),
    _o("smtp", "smtp_mail_from", "airflow@example.com", "Sender of mails."),
    _i("smtp", "smtp_timeout", 30, "Seconds to wait for the server."),
    _i("smtp", "smtp_retry_limit", 5, "Times a mail is tried."),
    _b(
        "notifications",
        "allow_private_targets",
        False,
        "Let webhooks of notification channels reach loopback and private addresses.",
    ),
    _i("notifications", "keep_days", 30, "Days a notification that was sent or given up is kept."),
    _o("celery", "broker_url", "redis://127.0.0.1:6379/0", "Broker of the Celery executor.", sensitive=True),
    _o("celery", "result_backend", "", "Accepted for compatibility; states live in the database.", sensitive=True),
    _i("celery", "worker_concurrency", 16, "Tasks one worker runs at once."),
    _o("celery", "celery_app_name", "airflowsite", "Name of the Celery application."),
    _i("celery", "visibility_timeout", 86400, "Redis: seconds before an unacknowledged message is delivered again."),
    _i("celery", "flower_port", 5555, "Port of Flower."),
    _o(
        "cli",
        "api_client",
        "airflow.api.client.local_client",
        "Commands speak to the database (local_client) or to a server (json_client).",
    ),
    _o("cli", "endpoint_url", "http://localhost:8080", "The server json_client speaks to."),
    _o("cli", "username", "", "User name json_client signs in with."),
    _o("cli", "password", "", "Password json_client signs in with.", sensitive=True),
    _o("cli", "token", "", "Personal access token json_client signs in with.", sensitive=True),
    _o("kerberos", "keytab", "airflow.keytab", "Keytab with the service's key."),
    _o("kerberos", "principal", "airflow", "Service principal, without host and realm."),
    _o("kerberos", "ccache", "/tmp/airflow_krb5_ccache", "Credential cache of tasks."),  # noqa: S108 the reference's default
    _o("lineage", "backend", "", "Accepted for compatibility."),
    _b("sensors", "default_timeout_soft_fail", False, "Accepted for compatibility."),
    _f("sensors", "default_timeout", 604800, "Seconds a sensor waits if it does not say."),
)

#: Options by (section, key).
TABLE: dict[tuple[str, str], Option] = {(option.section, option.key): option for option in OPTIONS}

#: The names that options had in earlier releases of Airflow 2, each with its name now.
RENAMED: dict[tuple[str, str], tuple[str, str]] = {
    ("admin", "hide_sensitive_variable_fields"): ("core", "hide_sensitive_var_conn_fields"),
    ("admin", "sensitive_variable_fields"): ("core", "sensitive_var_conn_names"),
    ("api", "access_control_allow_origin"): ("api", "access_control_allow_origins"),
    ("celery", "default_queue"): ("operators", "default_queue"),
    ("celery", "worker_log_server_port"): ("logging", "worker_log_server_port"),
    ("core", "base_log_folder"): ("logging", "base_log_folder"),
    ("core", "colored_console_log"): ("logging", "colored_console_log"),
    ("core", "dag_concurrency"): ("core", "max_active_tasks_per_dag"),
    ("core", "dag_processor_manager_log_location"): ("logging", "dag_processor_manager_log_location"),
    ("core", "encrypt_s3_logs"): ("logging", "encrypt_s3_logs"),
    ("core", "load_default_connections"): ("database", "load_default_connections"),
    ("core", "log_filename_template"): ("logging", "log_filename_template"),
    ("core", "log_format"): ("logging", "log_format"),
    ("core", "log_processor_filename_template"): ("logging", "log_processor_filename_template"),
    ("core", "logging_level"): ("logging", "logging_level"),
    ("core", "max_db_retries"): ("database", "max_db_retries"),
    ("core", "non_pooled_task_slot_count"): ("core", "default_pool_task_slot_count"),
    ("core", "remote_base_log_folder"): ("logging", "remote_base_log_folder"),
    ("core", "remote_log_conn_id"): ("logging", "remote_log_conn_id"),
    ("core", "remote_logging"): ("logging", "remote_logging"),
    ("core", "simple_log_format"): ("logging", "simple_log_format"),
    ("core", "sql_alchemy_conn"): ("database", "sql_alchemy_conn"),
    ("core", "sql_alchemy_pool_size"): ("database", "sql_alchemy_pool_size"),
    ("core", "sql_alchemy_schema"): ("database", "sql_alchemy_schema"),
    ("core", "task_log_prefix_template"): ("logging", "task_log_prefix_template"),
    ("core", "task_log_reader"): ("logging", "task_log_reader"),
    ("kubernetes", "namespace"): ("kubernetes_executor", "namespace"),
    ("scheduler", "max_threads"): ("scheduler", "parsing_processes"),
    ("scheduler", "processor_poll_interval"): ("scheduler", "scheduler_idle_sleep_time"),
    ("scheduler", "statsd_host"): ("metrics", "statsd_host"),
    ("scheduler", "statsd_on"): ("metrics", "statsd_on"),
    ("scheduler", "statsd_port"): ("metrics", "statsd_port"),
    ("scheduler", "statsd_prefix"): ("metrics", "statsd_prefix"),
}
#: Where options that have former names are looked for: under their name now, then under those.
_PLACES = {now: (now, *(before for before, after in RENAMED.items() if after == now)) for now in RENAMED.values()}


class Configuration:
    """The options in force: environment over file over defaults.

    The environment is read at every call, the file once; ``reload`` reads it again.
    """

    @property
    def home(self) -> Path:
        """``AIRFLOW_HOME`` as an absolute path (default ``~/airflow``); it need not exist."""
        return Path(os.environ.get("AIRFLOW_HOME") or "~/airflow").expanduser().absolute()

    @property
    def file(self) -> Path:
        """The configuration file; it need not exist."""
        named = os.environ.get("AIRFLOW_CONFIG")
        return Path(named).expanduser().absolute() if named else self.home / "airflow.cfg"

    @cached_property
    def _parsed(self) -> configparser.RawConfigParser:
        parser = configparser.RawConfigParser(strict=False)
        if self.file.exists() and self.file.stat().st_mode & stat.S_IWOTH:
            raise ConfigError(f"{self.file} may be changed by everybody. Take that away: chmod o-w {self.file}")
        try:
            parser.read(self.file, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError) as error:
            raise ConfigError(f"{self.file} cannot be read: {error}. Mend the file or remove it.") from error
        return parser

    def reload(self) -> None:
        """Forget what was read from the file."""
        self.__dict__.pop("_parsed", None)

    def raw(self, section: str, key: str) -> tuple[str, str] | None:
        """The option's text and where it came from (``env var``, ``cmd``, ``airflow.cfg``, ``default``).

        None for an option that is nowhere. Raises ConfigError where a ``_CMD`` fails.
        """
        place = section.lower(), key.lower()
        places = _PLACES.get(place) or (place,)
        for each in places:
            text = os.environ.get(_variable(*each))
            if text is not None:
                return self._expand(_noted(text, each, place)), "env var"
        option = TABLE.get(place)
        for each in places if option is not None and option.sensitive else ():
            command = os.environ.get(f"{_variable(*each)}_CMD") or self._in_file(each[0], f"{each[1]}_cmd")
            if command:
                return self._run(_noted(command, each, place), *place), "cmd"
        for each in places:
            text = self._in_file(*each)
            if text is not None:
                return self._expand(_noted(text, each, place)), "airflow.cfg"
        return (self._expand(option.default), "default") if option is not None else None

    def get(self, section: str, key: str, fallback: str | None = None) -> str:
        """The option as text; raises ConfigError when it is nowhere and there is no fallback."""
        found = self.raw(section, key)
        if found is not None:
            return found[0]
        if fallback is not None:
            return fallback
        raise ConfigError(f"There is no option [{section}] {key}. Set {_variable(section, key)}.")

    def getint(self, section: str, key: str, fallback: int | None = None) -> int:
        """The option as a whole number."""
        text = self.get(section, key, None if fallback is None else str(fallback))
        try:
            return int(text)
        except ValueError:
            raise ConfigError(f"[{section}] {key} must be a whole number, not {text!r}.") from None

    def getfloat(self, section: str, key: str, fallback: float | None = None) -> float:
        """The option as a number."""
        text = self.get(section, key, None if fallback is None else str(fallback))
        try:
            return float(text)
        except ValueError:
            raise ConfigError(f"[{section}] {key} must be a number, not {text!r}.") from None

    def getboolean(self, section: str, key: str, fallback: bool | None = None) -> bool:
        """The option as a truth value: t, true, 1, f, false or 0 in any case."""
        text = self.get(section, key, None if fallback is None else str(fallback))
        word = text.partition("#")[0].strip().lower()
        if word in TRUE_WORDS:
            return True
        if word in FALSE_WORDS:
            return False
        raise ConfigError(f"[{section}] {key} must be true or false, not {text!r}.")

    def getlist(self, section: str, key: str, fallback: str | None = None) -> list[str]:
        """The option as a list: separated by commas, blanks trimmed, empty parts dropped."""
        return [part.strip() for part in self.get(section, key, fallback).split(",") if part.strip()]

    def has_option(self, section: str, key: str) -> bool:
        """Whether the option is in the table, the environment or the file."""
        return self.raw(section, key) is not None

    def getsection(self, section: str) -> dict[str, str] | None:
        """All options of one section as text; None when nothing is known of it."""
        keys = {key: None for place, key in self.keys() if place == section.lower()}
        return {key: self.get(section, key) for key in keys} or None

    def keys(self) -> Iterator[tuple[str, str]]:
        """Each (section, key) of the table, then those only in the file."""
        yield from TABLE
        for section in self._parsed.sections():
            for key in self._parsed.options(section):
                if (section, key) not in TABLE and (section, key) not in RENAMED:
                    yield section, key

    def path(self, section: str, key: str) -> Path:
        """The option as an absolute path with ``~`` and variables expanded."""
        return Path(os.path.expandvars(self.get(section, key))).expanduser().absolute()

    def kept_key(self, name: str, make: Callable[[], bytes]) -> str:
        """The key in ``$AIRFLOW_HOME/{name}``, made with mode 0600 when there is none.

        It is written aside and linked into place, so that two first starts agree on one whole key.
        """
        path = self.home / name
        with contextlib.suppress(FileNotFoundError):
            return path.read_text().strip()
        self.home.mkdir(parents=True, exist_ok=True, mode=0o750)
        handle, draft = tempfile.mkstemp(dir=self.home, prefix=f".{name}-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(make())
            with contextlib.suppress(FileExistsError):
                os.link(draft, path)
        finally:
            Path(draft).unlink()
        return path.read_text().strip()

    def _in_file(self, section: str, key: str) -> str | None:
        # Asked first because most installations have no file: the parser takes long to find out that it has nothing.
        return self._parsed.get(section, key, fallback=None) if self._parsed.has_section(section) else None

    def _expand(self, text: str) -> str:
        return text.replace("{AIRFLOW_HOME}", str(self.home)) if "{AIRFLOW_HOME}" in text else text

    def _run(self, command: str, section: str, key: str) -> str:
        done = subprocess.run(shlex.split(command), capture_output=True, text=True, check=False, timeout=30)
        if done.returncode != 0:
            raise ConfigError(
                f"The command for [{section}] {key} ended with {done.returncode}. Run it by hand to see why."
            )
        return done.stdout.rstrip("\n")


@cache
def _variable(section: str, key: str) -> str:
    return f"AIRFLOW__{section.replace('.', '_').upper()}__{key.upper()}"


def _noted(text: str, place: tuple[str, str], now: tuple[str, str]) -> str:
    """What was found; told of once if it stood under the name the option had before."""
    if place != now:
        _warn(place, now)
    return text


@cache
def _warn(before: tuple[str, str], now: tuple[str, str]) -> None:
    warnings.warn(
        f"The option [{before[0]}] {before[1]} is [{now[0]}] {now[1]} now: rename it in the file, "
        f"or its variable to {_variable(*now)}.",
        FutureWarning,
        stacklevel=2,
    )


#: The configuration of this process.
conf = Configuration()
