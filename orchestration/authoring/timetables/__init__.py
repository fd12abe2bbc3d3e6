"""Timetables: when a DAG's runs are due, and which span of time each works on."""

from orchestration.authoring.timetables.base import (
    DagRunInfo,
    DataInterval,
    TimeRestriction,
    Timetable,
    time_restriction,
)
from orchestration.authoring.timetables.due import next_run, restriction_of
from orchestration.authoring.timetables.registry import create_timetable, custom_part, decode, encode

__all__ = [
    "DagRunInfo",
    "DataInterval",
    "TimeRestriction",
    "Timetable",
    "create_timetable",
    "custom_part",
    "decode",
    "encode",
    "next_run",
    "restriction_of",
    "time_restriction",
]
