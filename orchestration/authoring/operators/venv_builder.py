"""Virtual environments for tasks: made, filled by pip, kept for the next task with the same needs."""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import json
import shutil
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from orchestration.authoring.exceptions import AirflowException
from orchestration.authoring.hooks.subprocess import SubprocessHook
from orchestration.authoring.variable import Variable

MARKER = "install_complete_marker.json"


@dataclass(frozen=True, slots=True)
class VenvSpec:
    """What an environment needs; equal needs share a cached environment."""

    requirements: tuple[str, ...] = ()
    python_version: str | None = None
    system_site_packages: bool = True
    pip_install_options: tuple[str, ...] = ()
    index_urls: tuple[str, ...] | None = None

    @property
    def text(self) -> str:
        """All needs as JSON, with the Variable that lets an operator invalidate all caches."""
        key = Variable.get("PythonVirtualenvOperator.cache_key", default_var="")
        return json.dumps({**asdict(self), "cache_key": str(key)}, sort_keys=True)


def make_venv(path: Path, spec: VenvSpec, hook: SubprocessHook) -> None:
    """Make an environment and install its requirements; AirflowException with what to read if that fails."""
    python = sys.executable
    if spec.python_version:
        found = shutil.which(f"python{spec.python_version}")
        if found is None:
            raise AirflowException(
                f"There is no python{spec.python_version} on the path. Install it or change python_version."
            )
        python = found
    if importlib.util.find_spec("virtualenv"):
        command = [sys.executable, "-m", "virtualenv", str(path), f"--python={python}"]
    else:
        # Without requirements nothing needs pip, whose installation takes most of the time.
        command = [python, "-m", "venv", *([] if spec.requirements else ["--without-pip"]), str(path)]
    _run(hook, [*command, *(["--system-site-packages"] if spec.system_site_packages else [])])
    if spec.index_urls is not None:
        (path / "pip.conf").write_text(_pip_conf(spec.index_urls), encoding="utf-8")
    if spec.requirements:
        wanted = path / "requirements.txt"
        wanted.write_text("\n".join(spec.requirements), encoding="utf-8")
        _run(hook, [str(path / "bin" / "python"), "-m", "pip", "install", *spec.pip_install_options, "-r", str(wanted)])


def ensure_cached_venv(folder: Path, spec: VenvSpec, hook: SubprocessHook) -> Path:
    """The environment for these needs below ``folder``, made by the first task that comes while the others wait."""
    text = spec.text
    path = folder / f"venv-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    folder.mkdir(parents=True, exist_ok=True)
    with Path(f"{path}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        marker = path / MARKER
        if marker.exists() and marker.read_text(encoding="utf-8") == text:
            hook.log.info("The virtual environment %s fits and is used again", path)
            return path
        shutil.rmtree(path, ignore_errors=True)
        try:
            make_venv(path, spec, hook)
        except BaseException:
            shutil.rmtree(path, ignore_errors=True)
            raise
        marker.write_text(text, encoding="utf-8")
        hook.log.info("The virtual environment %s was made", path)
    return path


def _run(hook: SubprocessHook, command: list[str]) -> None:
    ended = hook.run_command(command)
    if ended.exit_code != 0:
        raise AirflowException(
            f"{' '.join(command)} ended with {ended.exit_code}: {ended.output}. See the lines above."
        )


def _pip_conf(index_urls: tuple[str, ...]) -> str:
    if not index_urls:
        return "[global]\nno-index = true\n"
    first, *others = index_urls
    more = f"extra-index-url = {' '.join(others)}\n" if others else ""
    return f"[global]\nindex-url = {first}\n{more}"
