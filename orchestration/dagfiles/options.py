"""What a DAG processor is told by the configuration."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from orchestration.conf import conf
from orchestration.dagfiles.protocol import Limits


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a processor; ``from_conf`` reads them. Times are seconds."""

    roots: tuple[str, ...]
    #: Whether the rows of other folders are this processor's too: there is no other one.
    rules_all: bool
    parsers: int
    interval: float
    listing_interval: float
    heartbeat: float
    statistics_interval: float
    safe_mode: bool
    limits: Limits

    @classmethod
    def from_conf(cls, subdir: str | None = None) -> Options:
        """The options in force; ``subdir`` is a folder or file to be read instead of the DAGs folder."""
        roots = [str(Path(subdir).absolute()) if subdir else str(conf.path("core", "dags_folder"))]
        if conf.getboolean("core", "load_examples"):
            roots.append(str(Path(__file__).resolve().parent.parent / "sample_dags"))
        return cls(
            roots=tuple(roots),
            rules_all=subdir is None,
            parsers=max(1, conf.getint("scheduler", "parsing_processes")),
            interval=float(conf.getint("scheduler", "min_file_process_interval")),
            listing_interval=float(conf.getint("scheduler", "dag_dir_list_interval")),
            heartbeat=conf.getfloat("scheduler", "job_heartbeat_sec"),
            statistics_interval=float(conf.getint("scheduler", "print_stats_interval")),
            safe_mode=conf.getboolean("core", "dag_discovery_safe_mode"),
            limits=Limits(
                import_seconds=conf.getfloat("core", "dagbag_import_timeout"),
                seconds=float(conf.getint("core", "dag_file_processor_timeout")),
                memory_bytes=conf.getint("core", "dag_file_memory_limit_mb") * 1024 * 1024,
            ),
        )
