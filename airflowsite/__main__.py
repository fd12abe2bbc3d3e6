"""The command line: ``python -m airflowsite``, ``airflowsite``, ``manage.py``."""

from __future__ import annotations

import os
import sys

from airflowsite import API_VERSION, __version__


def main() -> None:
    """Run the command that ``sys.argv`` names; leave quietly when its reader or its user had enough."""
    try:
        _run()
    except KeyboardInterrupt:  # before a command could take it
        _leave(130)
    except BrokenPipeError:
        _leave(1)
    finally:
        try:
            if sys.stdout is not None:
                sys.stdout.flush()
        except OSError as error:
            if not isinstance(error, BrokenPipeError):
                print(f"Standard output cannot be written: {error.strerror}.", file=sys.stderr)  # noqa: T201
            _leave(1)


def _leave(status: int) -> None:
    """Exit without a further try to write what nobody reads."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.exit(status)


def _run() -> None:
    arguments = sys.argv[1:]
    if arguments in (["version"], ["--version"]):  # answered before anything is loaded
        print(API_VERSION if arguments == ["version"] else f"airflowsite {__version__} (Airflow {API_VERSION})")  # noqa: T201
        return
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "airflowsite.settings")
    os.umask(0o077)  # nobody else reads the database, the logs and the keys this program writes
    from orchestration.management.cli import main as commands

    name = commands.django_name(arguments)
    if name is None:
        sys.exit(commands.main(arguments))
    if name == "standalone":
        from airflowsite.nursery import open_nursery  # the other commands have no use for it

        open_nursery()
    _load_settings()
    from django.core.management import execute_from_command_line  # after the settings module is named

    execute_from_command_line([sys.argv[0], name, *arguments[1:]])


def _load_settings() -> None:
    """End with a sentence and 1 where an option says what cannot be, or the home cannot be written."""
    from django.conf import settings

    from orchestration.errors import OrchestrationError

    try:
        settings.DATABASES  # noqa: B018 the first question loads them
    except OrchestrationError as error:
        print(error, file=sys.stderr)  # noqa: T201
        sys.exit(1)
    except OSError as error:
        if error.filename is None:
            raise
        print(  # noqa: T201
            f"{error.filename} cannot be used: {error.strerror}. Make it writable, or set another AIRFLOW_HOME.",
            file=sys.stderr,
        )
        sys.exit(1)


if __name__ == "__main__":
    main()
