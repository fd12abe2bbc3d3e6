"""Which files of a DAGs folder may define DAGs.

A file counts if it ends in ``.py`` or is a zip archive, no ``.airflowignore`` leaves it out, and (in safe mode) its
bytes hold the words ``dag`` and ``airflow``. The rules of ``.airflowignore`` are those of Airflow 2.10.5: each folder's
file also rules the folders below; as regexp a line is searched in the path below the DAGs folder, as glob it follows
gitignore, negation included. Folders reached through symbolic links count too, each real folder once.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, Protocol

from orchestration.authoring.loading import might_contain_dag
from orchestration.conf import ConfigError, conf
from orchestration.processes.alarm import alarm

IGNORE_FILE = ".airflowignore"
#: A file larger than this is not read for the words of safe mode: it counts.
MOST_BYTES_READ = 50 * 1024 * 1024

#: Seconds that one line may take to be compared with one path.
MOST_SECONDS = 0.5

log = logging.getLogger(__name__)
_COMMENT = re.compile(r"\s*#.*")


@dataclass(frozen=True, slots=True)
class DagFile:
    """A file to parse: its path as listed (links not resolved) and the DAGs folder it was found in."""

    path: str
    root: str


class _Rule(Protocol):
    def is_ignored(self, path: Path, before: bool) -> bool:
        """Whether ``path`` is left out, given what the rules before said."""


@dataclass(frozen=True, slots=True)
class _RegexpRule:
    pattern: re.Pattern[str]
    root: Path

    def is_ignored(self, path: Path, before: bool) -> bool:
        if before or self.pattern in _too_slow:
            return before
        try:
            with _time_limit(MOST_SECONDS):
                return self.pattern.search(str(path.relative_to(self.root))) is not None
        except TimeoutError:
            _too_slow.add(self.pattern)
            log.warning(
                "The line %r of an %s takes too long on %s and counts nothing from now on. Write it without "
                "repetitions within repetitions.", self.pattern.pattern, IGNORE_FILE, path,
            )  # fmt: skip
            return before


@dataclass(frozen=True, slots=True)
class _GlobRule:
    pattern: re.Pattern[str]
    ignores: bool
    only_folders: bool
    #: A pattern with a slash counts from the folder of its file, any other for the name alone.
    anchor: Path | None

    def is_ignored(self, path: Path, before: bool) -> bool:
        text = str(path.relative_to(self.anchor)) if self.anchor is not None else path.name
        if self.only_folders and path.is_dir():
            text += "/"
        return self.ignores if self.pattern.search(text) else before


#: Patterns that took too long once.
_too_slow: set[re.Pattern[str]] = set()


@contextlib.contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """TimeoutError in the main thread when the time is over; other threads cannot be interrupted.

    The engine of regular expressions looks for signals while it searches.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def expire() -> NoReturn:
        raise TimeoutError

    with alarm(seconds, expire):
        yield


def find_dag_files(folder: str | Path, *, safe_mode: bool | None = None, syntax: str | None = None) -> list[DagFile]:
    """The files of a folder (or the one file given) that may define DAGs, sorted by path.

    ``safe_mode`` and ``syntax`` (``regexp`` or ``glob``) default to the options. A folder that is not there has no
    files. Raises ConfigError for another syntax.
    """
    root = Path(folder)
    is_safe = conf.getboolean("core", "dag_discovery_safe_mode") if safe_mode is None else safe_mode
    chosen = conf.get("core", "dag_ignore_file_syntax") if syntax is None else syntax
    if chosen not in ("regexp", "glob", ""):
        raise ConfigError(f"[core] dag_ignore_file_syntax must be regexp or glob, not {chosen!r}.")
    if root.is_file():
        return [DagFile(str(root), str(root.parent))]
    found = (path for path in _walk(root, is_glob=chosen == "glob") if _is_candidate(path, is_safe))
    return [DagFile(str(path), str(root)) for path in sorted(found)]


def _walk(root: Path, *, is_glob: bool) -> Iterator[Path]:
    rules_of: dict[str, tuple[_Rule, ...]] = {}
    seen = {os.path.realpath(root)}
    for place, folders, files in os.walk(root, followlinks=True):
        here = Path(place)
        rules = rules_of.pop(place, ())
        if IGNORE_FILE in files:
            # A line repeated further down counts at its first place, as in the reference.
            rules = tuple(dict.fromkeys([*rules, *_read_rules(here / IGNORE_FILE, root, is_glob=is_glob)]))
        kept = []
        for name in sorted(folders):
            below = here / name
            if _is_ignored(below, rules):
                continue
            real = os.path.realpath(below)
            if real in seen:
                log.warning("%s leads to %s, which was read already. It is left out.", below, real)
                continue
            seen.add(real)
            rules_of[str(below)] = rules
            kept.append(name)
        folders[:] = kept
        for name in files:
            if name != IGNORE_FILE and not _is_ignored(here / name, rules):
                yield here / name


def _is_ignored(path: Path, rules: tuple[_Rule, ...]) -> bool:
    ignored = False
    for rule in rules:
        ignored = rule.is_ignored(path, ignored)
    return ignored


def _read_rules(file: Path, root: Path, *, is_glob: bool) -> Iterator[_Rule]:
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        log.warning("%s cannot be read (%s): nothing is left out by it.", file, error)
        return
    for raw in text.split("\n"):
        line = _COMMENT.sub("", raw)
        if not line:
            continue
        rule = _glob_rule(line, file) if is_glob else _regexp_rule(line, file, root)
        if rule is not None:
            yield rule


def _regexp_rule(line: str, file: Path, root: Path) -> _Rule | None:
    try:
        return _RegexpRule(re.compile(line), root)
    except re.error as error:
        log.warning("The line %r of %s is not a regular expression (%s) and counts nothing.", line, file, error)
        return None


def _glob_rule(line: str, file: Path) -> _Rule | None:
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

    try:
        pattern = GitIgnoreSpecPattern(line.lstrip())
    except ValueError as error:
        log.warning("The line %r of %s is not a pattern (%s) and counts nothing.", line, file, error)
        return None
    if pattern.regex is None or pattern.include is None or line.strip() == "/":
        return None
    anchor = file.parent if "/" in line.rstrip("/") else None
    return _GlobRule(pattern.regex, pattern.include, line.endswith("/"), anchor)


def _is_candidate(path: Path, is_safe: bool) -> bool:
    try:
        if not path.is_file():
            return False
        if path.suffix != ".py":
            return zipfile.is_zipfile(path)
        if not is_safe or path.stat().st_size > MOST_BYTES_READ or zipfile.is_zipfile(path):
            return True
        return might_contain_dag(path.read_bytes())
    except OSError as error:
        log.warning("%s cannot be read: %s", path, error)
        return path.suffix == ".py"  # its parser will tell everyone why
