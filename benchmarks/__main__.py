"""``make bench``: every measurement, one after the other."""

from __future__ import annotations

import subprocess
import sys

MODULES = ("benchmarks.engine", "benchmarks.api")


def main() -> int:
    """The worst exit status of all."""
    chosen = [f"benchmarks.{name}" for name in sys.argv[1:]] or MODULES
    return max(subprocess.run([sys.executable, "-m", module], check=False).returncode for module in chosen)


if __name__ == "__main__":
    sys.exit(main())
