"""Files that commands read and write; ``-`` is standard input or output."""

from __future__ import annotations

import json
import sys
from collections.abc import Sized
from pathlib import Path
from typing import Any

from orchestration.errors import Invalid, NotFound


def read_text(path: str, *, missing: str) -> str:
    """The file's text. Raises NotFound (with ``missing``) without one, Invalid for one that is no UTF-8 text."""
    if path == "-":
        return sys.stdin.read()
    if not path:
        raise Invalid("No file is named. - reads standard input.")
    try:
        return Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NotFound(missing) from None
    except IsADirectoryError:
        raise Invalid(f"{path[:200]} is a folder. Name a file.") from None
    except UnicodeDecodeError:
        raise Invalid(f"{path} is no text in UTF-8.") from None
    except (OSError, ValueError) as error:  # such as a name that is too long or holds NUL
        raise Invalid(f"{path[:200]} cannot be read: {getattr(error, 'strerror', None) or error}.") from None


def read_json(path: str, *, missing: str) -> Any:
    """The file's JSON value. Raises NotFound, Invalid."""
    try:
        return json.loads(read_text(path, missing=missing))
    except (ValueError, RecursionError) as error:
        raise Invalid(f"{path} is no JSON: {error}.") from None


def write_export(path: str, text: str, what: str, things: Sized) -> None:
    """Write an export and say so: on standard error when the export itself goes to standard output."""
    if path == "-":
        sys.stdout.write(text)
        print(f"\nExported {len(things)} {what}.", file=sys.stderr)
        return
    if not path:
        raise Invalid("No file is named. - writes to standard output.")
    try:
        Path(path).write_text(text, encoding="utf-8")
    except (OSError, ValueError) as error:
        raise unwritable(path, error) from None
    print(f"Exported {len(things)} {what} to {path}.")


def unwritable(path: str | Path, error: Exception, advice: str = "") -> Invalid:
    """What to raise for a file that cannot be written: an OSError, or ValueError for a name that holds NUL."""
    reason = getattr(error, "strerror", None) or error
    return Invalid(f"{str(path)[:200]} cannot be written: {reason}.{advice and f' {advice}'}")
