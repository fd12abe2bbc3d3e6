"""Parameters of XCom entries."""

from __future__ import annotations

from api_v1.filters.base import ParameterSet, TextParameter, TruthParameter, WholeParameter, page_limit, page_offset


class XComListParameters(ParameterSet):
    """Of the list of entries."""

    map_index = WholeParameter("map_index", help_text="Entries of this instance of a mapped task.")
    xcom_key = TextParameter("key", help_text="Entries under this key.")
    limit = page_limit()
    offset = page_offset()


class XComParameters(ParameterSet):
    """Of one entry."""

    map_index = WholeParameter(help_text="The instance of a mapped task; -1 or nothing for other tasks.")
    deserialize = TruthParameter(
        help_text="Make values of plain kinds from what stands for them; has to be allowed.", default=False
    )
    stringify = TruthParameter(help_text="Answer Python's text of the value, or the value as JSON.", default=True)
