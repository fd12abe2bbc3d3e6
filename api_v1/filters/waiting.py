"""Parameters of the wait for a run."""

from __future__ import annotations

from api_v1.filters.base import NumberParameter, ParameterSet

#: Seconds between two looks at a run, and of a wait for its end, where the caller does not say.
INTERVAL, TIMEOUT = 2.0, 600.0


class WaitParameters(ParameterSet):
    """Of the wait for a run."""

    interval = NumberParameter(
        minimum=0.1, maximum=60, help_text="Seconds between two looks at the latest (default 2); changes wake sooner."
    )
    timeout = NumberParameter(minimum=0, maximum=3600, help_text="Seconds to wait at most (default 600).")
