"""``jobs``: the long-running processes."""

from orchestration.management.cli import arguments as a
from orchestration.management.cli.arguments import option, switch
from orchestration.management.cli.tree import Command, Group

GROUP = Group(
    "jobs",
    "Manage jobs",
    (
        Command(
            "check",
            "Check whether processes are alive",
            "jobs:check",
            (
                switch("--allow-multiple", help="Succeed, too, when several are alive; needs a limit above 1"),
                option("--hostname", help="Only on this host", type=str),
                option(
                    "--job-type",
                    help="Only of this kind",
                    choices=("BackfillJob", "LocalTaskJob", "SchedulerJob", "TriggererJob", "DagProcessorJob"),
                ),
                option(
                    "--limit", help="Look at so many of the latest; 0 is all", type=a.positive(zero=True), default=1
                ),
                switch("--local", help="Only on this host, by the name that core.hostname_callable gives"),
                a.VERBOSE,
            ),
            description="Leaves with 0 when a process is alive, with 1 when none is.",
        ),
    ),
)
