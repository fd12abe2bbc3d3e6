"""``jobs check``."""

from __future__ import annotations

import argparse

from django.utils import timezone

from orchestration.errors import Invalid, NotFound
from orchestration.models.job import Job, health_threshold
from orchestration.processes.hosts import hostname
from orchestration.states import JobState

#: The command that starts the process of a kind.
_PARTS = {"TriggererJob": "triggerer", "DagProcessorJob": "dag-processor"}


def check(args: argparse.Namespace) -> None:
    """Leave with 0 when one process (or, if allowed, several) of those looked at is alive."""
    if args.allow_multiple and args.limit == 1:
        raise Invalid("--allow-multiple looks at several jobs: give a --limit above 1, or 0 for all.")
    if args.hostname and args.local:
        raise Invalid("Give --hostname or --local, not both.")
    jobs = Job.objects.filter(state=JobState.RUNNING).order_by("-latest_heartbeat")
    if args.job_type:
        jobs = jobs.filter(job_type=args.job_type)
    if args.hostname or args.local:
        jobs = jobs.filter(hostname=args.hostname or hostname())
    oldest = timezone.now() - health_threshold()
    beats = jobs.values_list("latest_heartbeat", flat=True)
    alive = sum(beat >= oldest for beat in (beats[: args.limit] if args.limit else beats))
    if not alive:
        raise NotFound(f"No job is alive. Start one, such as: airflowsite {_PARTS.get(args.job_type, 'scheduler')}")
    if alive > 1 and not args.allow_multiple:
        raise Invalid(f"{alive} jobs are alive, not one. --allow-multiple takes that for good.")
    print("One job is alive." if alive == 1 else f"{alive} jobs are alive.")
