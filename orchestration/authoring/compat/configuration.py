"""Options as DAG files read them. Mirrors ``airflow.configuration``."""

from __future__ import annotations

import json
from typing import Any

from orchestration.authoring.compat.module_loading import import_string
from orchestration.authoring.exceptions import AirflowConfigException
from orchestration.conf import RENAMED, ConfigError, Configuration

_UNSET: Any = object()

#: Defaults of the reference's options that mean nothing to this system, but that DAG files read.
OTHER_DEFAULTS: dict[tuple[str, str], str] = {
    ("core", "dag_run_conf_overrides_params"): "True",
    ("core", "dagbag_import_error_traceback_depth"): "2",
    ("core", "dagbag_import_error_tracebacks"): "True",
    ("core", "max_num_rendered_ti_fields_per_task"): "30",
    ("core", "min_serialized_dag_update_interval"): "30",
    ("core", "security"): "",
    ("core", "task_runner"): "StandardTaskRunner",
    ("core", "unit_test_mode"): "False",
    ("core", "xcom_backend"): "airflow.models.xcom.BaseXCom",
    ("database", "load_default_connections"): "False",
    ("debug", "fail_fast"): "False",
    ("kubernetes_executor", "namespace"): "default",
    ("kubernetes_executor", "worker_container_repository"): "",
    ("kubernetes_executor", "worker_container_tag"): "",
    ("logging", "colored_console_log"): "True",
    ("logging", "delete_local_logs"): "False",
    ("logging", "encrypt_s3_logs"): "False",
    ("logging", "google_key_path"): "",
    ("logging", "log_processor_filename_template"): "{{ filename }}.log",
    ("logging", "remote_base_log_folder"): "",
    ("logging", "remote_log_conn_id"): "",
    ("logging", "simple_log_format"): "%(asctime)s %(levelname)s - %(message)s",
    ("logging", "task_log_prefix_template"): "",
    ("logging", "task_log_reader"): "task",
    ("metrics", "otel_on"): "False",
    ("scheduler", "allowed_run_id_pattern"): "^[A-Za-z0-9_.~:+-]+$",
    ("scheduler", "child_process_log_directory"): "{AIRFLOW_HOME}/logs/scheduler",
    ("scheduler", "create_cron_data_intervals"): "True",
    ("scheduler", "file_parsing_sort_mode"): "modified_time",
    ("scheduler", "ignore_first_depends_on_past_by_default"): "True",
    ("scheduler", "standalone_dag_processor"): "False",
    ("scheduler", "use_row_level_locking"): "True",
    ("secrets", "backend"): "",
    ("secrets", "backend_kwargs"): "",
    ("sentry", "sentry_on"): "False",
    ("traces", "otel_on"): "False",
    ("webserver", "dag_default_view"): "grid",
    ("webserver", "dag_orientation"): "LR",
    ("webserver", "page_size"): "100",
}


class _Options(Configuration):
    """The installation's options, over the defaults of those that are Airflow's alone."""

    def raw(self, section: str, key: str) -> tuple[str, str] | None:
        place = section.lower(), key.lower()
        found = super().raw(*place)
        if found is None and place in RENAMED:
            place = RENAMED[place]
            found = super().raw(*place)
        if found is None and (default := OTHER_DEFAULTS.get(place)) is not None:
            return default.replace("{AIRFLOW_HOME}", str(self.home)), "default"
        return found


class AirflowConfigParser:
    """The options of this installation, with the errors and the defaults that Airflow's parser has."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._options = _Options()

    def get(self, section: str, key: str, fallback: Any = _UNSET, **kwargs: Any) -> Any:
        """The option as text, or the fallback; AirflowConfigException where there is neither."""
        return self._read("get", section, key, fallback)

    def getint(self, section: str, key: str, fallback: Any = _UNSET, **kwargs: Any) -> Any:
        """The option as a whole number."""
        return self._read("getint", section, key, fallback)

    def getfloat(self, section: str, key: str, fallback: Any = _UNSET, **kwargs: Any) -> Any:
        """The option as a number."""
        return self._read("getfloat", section, key, fallback)

    def getboolean(self, section: str, key: str, fallback: Any = _UNSET, **kwargs: Any) -> Any:
        """The option as a truth value."""
        return self._read("getboolean", section, key, fallback)

    def getlist(self, section: str, key: str, fallback: Any = _UNSET, delimiter: str = ",") -> Any:
        """The option as a list of texts."""
        text = self.get(section, key, fallback)
        return [part.strip() for part in text.split(delimiter)] if isinstance(text, str) and text else text or []

    def getjson(self, section: str, key: str, fallback: Any = _UNSET, **kwargs: Any) -> Any:
        """The option read as JSON; an empty text is the fallback or None."""
        text = self.get(section, key, fallback)
        if not isinstance(text, str) or not text:
            return None if fallback is _UNSET else fallback
        try:
            return json.loads(text)
        except ValueError as error:
            raise AirflowConfigException(f"The option {section}.{key} is read as JSON, and is none: {error}") from error

    def getimport(self, section: str, key: str, **kwargs: Any) -> Any:
        """The object whose dotted path the option is; None for an empty option."""
        path = self.get(section, key, **kwargs)
        if not path:
            return None
        try:
            return import_string(path)
        except ImportError as error:
            raise AirflowConfigException(f"The option {section}.{key} names nothing to import: {error}") from error

    def get_mandatory_value(self, section: str, key: str, **kwargs: Any) -> str:
        """The option as text; ValueError where it is None."""
        value = self.get(section, key, **kwargs)
        if value is None:
            raise ValueError(f"The option {section}.{key} has no value, and needs one")
        return str(value)

    def getsection(self, section: str) -> dict[str, Any] | None:
        """The options of a section; numbers and truth values are read."""
        found = self._options.getsection(section)
        return None if found is None else {key: _typed(text) for key, text in found.items()}

    def as_dict(self, display_source: bool = False, display_sensitive: bool = False, **kwargs: Any) -> dict[str, Any]:
        """All options by section; sensitive ones hidden unless asked for."""
        from orchestration.conf import TABLE

        sections: dict[str, Any] = {}
        for section, key in self._options.keys():  # noqa: SIM118 no mapping
            text, source = self._options.raw(section, key) or ("", "default")
            option = TABLE.get((section, key))
            if option is not None and option.sensitive and not display_sensitive:
                text = "< hidden >"
            sections.setdefault(section, {})[key] = (text, source) if display_source else text
        return sections

    def has_option(self, section: str, option: str, **kwargs: Any) -> bool:
        """Whether the option is known or set."""
        return self._options.has_option(section, option)

    def has_section(self, section: str) -> bool:
        """Whether anything is known of the section."""
        return self._options.getsection(section) is not None

    def sections(self) -> list[str]:
        """The sections' names."""
        return list(dict.fromkeys(section for section, _ in self._options.keys()))  # noqa: SIM118 no mapping

    def _read(self, verb: str, section: str, key: str, fallback: Any) -> Any:
        if fallback is not _UNSET and not self._options.has_option(section, key):
            return fallback
        try:
            return getattr(self._options, verb)(section, key)
        except ConfigError as error:
            raise AirflowConfigException(f"The option {section}.{key} cannot be read: {error}") from error


def _typed(text: str) -> Any:
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return {"true": True, "false": False}.get(text.lower(), text)


conf = AirflowConfigParser()
get, getint, getfloat, getboolean = conf.get, conf.getint, conf.getfloat, conf.getboolean
getsection, has_option, as_dict = conf.getsection, conf.has_option, conf.as_dict


def get_airflow_home() -> str:
    """The folder ``AIRFLOW_HOME``."""
    return str(Configuration().home)


def get_airflow_config(airflow_home: str) -> str:
    """The path of the configuration file."""
    return str(Configuration().file)


def __getattr__(name: str) -> Any:
    if name == "AIRFLOW_HOME":
        return get_airflow_home()
    if name == "AIRFLOW_CONFIG":
        return str(Configuration().file)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
