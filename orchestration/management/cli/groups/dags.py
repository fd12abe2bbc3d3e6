"""``dags``: DAGs and their runs."""

from orchestration.management.cli import arguments as a
from orchestration.management.cli.arguments import option, positional, switch
from orchestration.management.cli.tree import Command, Group

_SAVE = option(
    "-s", "--save", help="File to write; its suffix says the form: .dot needs nothing, .png and others Graphviz"
)
_IMGCAT = switch("--imgcat", help="Show the picture in a terminal that can")
_RUN_STATES = ("queued", "running", "success", "failed")
_JOB_STATES = ("running", "success", "restarting", "failed")
_PAUSE = (a.DAG_IDS, a.OUTPUT, a.SUBDIR, a.TREAT_AS_REGEX, a.VERBOSE, a.YES)
_BACKFILL_ABOUT = """\
Run a DAG for each of its logical dates from --start-date to --end-date, and wait for the end. The runs are made
by this command and run by the scheduler, which must be there; --local runs them in this process instead."""

GROUP = Group(
    "dags",
    "Manage DAGs",
    (
        Command(
            "backfill",
            "Run a DAG for a range of logical dates",
            "backfill:backfill",
            (
                a.DAG_ID,
                a.CONF,
                switch("--continue-on-failures", help="Go on when tasks failed"),
                option(
                    "--delay-on-limit", help="Seconds to wait when max_active_runs is reached", type=float, default=1.0
                ),
                switch("--disable-retry", help="Let tasks fail without retries"),
                switch("-x", "--donot-pickle", help="Accepted for compatibility; nothing is pickled here"),
                switch("-n", "--dry-run", help="Say which runs and tasks would run, and run nothing"),
                a.END_DATE,
                switch(
                    "-i", "--ignore-dependencies", help="Only the tasks that --task-regex finds, without their upstream"
                ),
                switch("-I", "--ignore-first-depends-on-past", help="Let the first run pass depends_on_past"),
                switch("-l", "--local", help="Run the tasks in this process instead of leaving them to the scheduler"),
                switch("-m", "--mark-success", help="Mark the tasks as successful without running them"),
                option("--pool", help="Pool for the tasks"),
                switch("--rerun-failed-tasks", help="Run failed tasks of existing runs again"),
                switch("--reset-dagruns", help="Clear existing runs of the range and run them anew"),
                switch("-B", "--run-backwards", help="The latest date first; not for tasks with depends_on_past"),
                a.START_DATE,
                a.SUBDIR,
                a.TASK_REGEX,
                switch("--treat-dag-as-regex", help="The old name of --treat-dag-id-as-regex"),
                a.TREAT_AS_REGEX,
                a.VERBOSE,
                a.YES,
            ),
            description=_BACKFILL_ABOUT,
            event="cli_dag_backfill",
        ),
        Command(
            "delete",
            "Delete a DAG's rows: its runs, task instances, XComs and all",
            "dag_switches:delete",
            (a.DAG_IDS, a.DRY_RUN, a.VERBOSE, a.YES),
            event="cli_dag_delete",
            is_remote=True,
        ),
        Command("details", "Show a DAG's details", "dags:details", (a.DAG_ID, a.OUTPUT, a.VERBOSE)),
        Command(
            "list",
            "List all the DAGs",
            "dags:list_dags",
            (
                option(
                    "--columns",
                    help="Columns to show, separated by commas (default: dag_id,fileloc,owners,is_paused)",
                    type=a.names,
                    default=("dag_id", "fileloc", "owners", "is_paused"),
                ),
                a.OUTPUT,
                a.SUBDIR,
                a.VERBOSE,
            ),
        ),
        Command(
            "list-import-errors",
            "List the DAG files that cannot be read",
            "dags:list_import_errors",
            (a.OUTPUT, a.SUBDIR, a.VERBOSE),
        ),
        Command(
            "list-jobs",
            "List the processes",
            "dags:list_jobs",
            (
                option("-d", "--dag-id", help="Only of this DAG"),
                option("--limit", help="At most so many", type=a.positive(zero=True)),
                a.OUTPUT,
                option("--state", help="Only in this state", choices=_JOB_STATES, metavar=", ".join(_JOB_STATES)),
                a.VERBOSE,
            ),
        ),
        Command(
            "list-runs",
            "List a DAG's runs",
            "dag_runs:list_runs",
            (
                option("-d", "--dag-id", help="The id of the DAG", required=True),
                a.END_DATE,
                switch("--no-backfill", help="Leave out the runs of backfills"),
                a.OUTPUT,
                a.START_DATE,
                option("--state", help="Only in this state", choices=_RUN_STATES, metavar=", ".join(_RUN_STATES)),
                a.VERBOSE,
            ),
            is_remote=True,
        ),
        Command(
            "next-execution",
            "Show the next logical dates of a DAG",
            "dags:next_execution",
            (
                a.DAG_ID,
                option("-n", "--num-executions", help="How many to show", type=a.positive(zero=False), default=1),
                a.SUBDIR,
                a.VERBOSE,
            ),
        ),
        Command("pause", "Pause DAGs", "dag_switches:pause", _PAUSE, event="cli_dag_pause", is_remote=True),
        Command(
            "report",
            "Show what parsing each DAG file took",
            "dagfiles:report",
            (a.OUTPUT, a.SUBDIR, a.VERBOSE),
        ),
        Command(
            "reserialize",
            "Parse all DAG files now and store what they define",
            "dagfiles:reserialize",
            (
                switch("--clear-only", help="Only forget what is stored; it is stored again by the next parse"),
                a.DRY_RUN,
                a.SUBDIR,
                a.VERBOSE,
            ),
            event="cli_dag_reserialize",
        ),
        Command(
            "show",
            "Show a DAG's tasks and their dependencies as a graph",
            "graphs:show",
            (a.DAG_ID, _IMGCAT, _SAVE, a.SUBDIR, a.VERBOSE),
        ),
        Command(
            "show-dependencies",
            "Show which DAGs depend on which, as a graph",
            "graphs:show_dependencies",
            (_IMGCAT, _SAVE, a.SUBDIR, a.VERBOSE),
        ),
        Command(
            "state",
            "Print the state of a DAG's run",
            "dag_runs:state",
            (a.DAG_ID, positional("execution_date", "The run's logical date", type=a.moment), a.SUBDIR, a.VERBOSE),
            is_remote=True,
        ),
        Command(
            "test",
            "Run a DAG once, in this process, and show its log",
            "dag_test:test",
            (
                a.DAG_ID,
                positional("execution_date", "The run's logical date (default: now)", type=a.moment, nargs="?"),
                a.CONF,
                switch("--imgcat-dagrun", help="Show the finished run's picture in a terminal that can"),
                option(
                    "--mark-success-pattern",
                    help="Mark the tasks whose id this regular expression finds as successful without running them",
                ),
                option("--save-dagrun", help="File for a picture of the finished run"),
                switch("--show-dagrun", help="Print the finished run as a graph in the DOT language"),
                a.SUBDIR,
                switch("--use-executor", help="Run the tasks by the configured executor"),
                a.VERBOSE,
            ),
            event="cli_dag_test",
        ),
        Command(
            "trigger",
            "Trigger a new run of a DAG; of a paused one it waits",
            "dag_runs:trigger",
            (
                a.DAG_IDS,
                a.CONF,
                option("-e", "--exec-date", help="The run's logical date (default: now)", type=a.moment),
                switch(
                    "--no-replace-microseconds",
                    help="Keep the microseconds of the logical date",
                    action="store_false",
                    dest="replace_microseconds",
                ),
                a.OUTPUT,
                option("-r", "--run-id", help="The run's id"),
                a.SUBDIR,
                a.VERBOSE,
            ),
            event="cli_dag_trigger",
            is_remote=True,
        ),
        Command(
            "unpause", "Resume paused DAGs", "dag_switches:unpause", _PAUSE, event="cli_dag_unpause", is_remote=True
        ),
    ),
)
