"""Parameters of task logs."""

from __future__ import annotations

from api_v1.filters.base import ParameterSet, TextParameter, TruthParameter, WholeParameter


class LogParameters(ParameterSet):
    """Of a log."""

    full_content = TruthParameter(help_text="The whole log in one answer; by default it comes in parts.")
    map_index = WholeParameter(help_text="The instance of a mapped task; -1 or nothing for other tasks.")
    token = TextParameter(help_text="Where to go on: continuation_token of the part before.")
