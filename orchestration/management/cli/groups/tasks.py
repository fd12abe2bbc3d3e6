"""``tasks``: the tasks of DAGs and their instances."""

from orchestration.management.cli import arguments as a
from orchestration.management.cli.arguments import option, positional, switch
from orchestration.management.cli.tree import Command, Group

_INSTANCE = (a.DAG_ID, a.TASK_ID, a.RUN)
_WAYS = ("wait", "check", "ignore")

GROUP = Group(
    "tasks",
    "Manage tasks",
    (
        Command(
            "clear",
            "Clear task instances, as if they never ran",
            "tasks:clear",
            (
                a.DAG_IDS,
                switch("-R", "--dag-regex", help="Take dag_id as a regular expression"),
                switch("-d", "--downstream", help="Also the tasks downstream"),
                a.END_DATE,
                switch("-X", "--exclude-parentdag", help="Accepted for compatibility; there are no sub-DAGs"),
                switch("-x", "--exclude-subdags", help="Accepted for compatibility; there are no sub-DAGs"),
                switch("-f", "--only-failed", help="Only failed ones"),
                switch("-r", "--only-running", help="Only running ones"),
                a.DRY_RUN,
                a.START_DATE,
                a.SUBDIR,
                a.TASK_REGEX,
                switch("-u", "--upstream", help="Also the tasks upstream"),
                a.VERBOSE,
                a.YES,
            ),
            event="cli_task_clear",
            is_remote=True,
        ),
        Command(
            "failed-deps",
            "Say why a task instance does not start",
            "tasks:failed_dependencies",
            (*_INSTANCE, a.MAP_INDEX, a.SUBDIR, a.VERBOSE),
        ),
        Command(
            "list",
            "List a DAG's tasks",
            "tasks:list_tasks",
            (a.DAG_ID, a.SUBDIR, switch("-t", "--tree", help="As a tree; dags show draws the graph"), a.VERBOSE),
        ),
        Command(
            "render",
            "Render a task instance's templates",
            "task_runs:render",
            (*_INSTANCE, a.MAP_INDEX, a.SUBDIR, a.VERBOSE),
        ),
        Command(
            "run",
            "Run one task instance",
            "task_runs:run",
            (
                *_INSTANCE,
                option("--cfg-path", help="Accepted for compatibility; AIRFLOW_CONFIG names the configuration file"),
                option(
                    "-d",
                    "--depends-on-past",
                    help="How to take earlier runs (default: check)",
                    choices=_WAYS,
                    default="check",
                ),
                switch("-f", "--force", help="Whatever state the instance is in"),
                switch("-A", "--ignore-all-dependencies", help="Ask no dependency and no state"),
                switch(
                    "-i",
                    "--ignore-dependencies",
                    help="Ask neither upstream tasks, nor earlier runs, nor the retry delay",
                ),
                switch("-I", "--ignore-depends-on-past", help="The old way to say --depends-on-past ignore"),
                switch("-N", "--interactive", help="Leave the task's output on the terminal"),
                option("-j", "--job-id", help=None),
                switch("-l", "--local", help="In this process; so it is always here"),
                a.MAP_INDEX,
                switch("-m", "--mark-success", help="Mark it as successful without running it"),
                switch("--no-shut-down-logging", help=None, action="store_false", dest="shut_down_logging"),
                option("-p", "--pickle", help="Refused: nothing is pickled here"),
                option("--pool", help="Pool to run in"),
                switch("-r", "--raw", help=None),
                switch(
                    "--read-from-db", help="Accepted for compatibility; the stored DAG is always used beside the file"
                ),
                switch("--ship-dag", help="Accepted for compatibility; nothing is pickled here"),
                a.SUBDIR,
                a.VERBOSE,
            ),
            event="cli_task_run",
        ),
        Command(
            "state",
            "Print a task instance's state",
            "tasks:state",
            (*_INSTANCE, a.MAP_INDEX, a.SUBDIR, a.VERBOSE),
            is_remote=True,
        ),
        Command(
            "states-for-dag-run",
            "Show the states of a run's task instances",
            "tasks:states_for_dag_run",
            (a.DAG_ID, a.RUN, a.OUTPUT, a.VERBOSE),
        ),
        Command(
            "test",
            "Run one task here, without asking dependencies and without recording its state",
            "task_runs:test",
            (
                a.DAG_ID,
                a.TASK_ID,
                positional("execution_date_or_run_id", "The run's id or its logical date (default: now)", nargs="?"),
                switch("-n", "--dry-run", help="Only render the templates"),
                option(
                    "--env-vars", help="JSON object of environment variables for parsing and running", type=a.json_value
                ),
                a.MAP_INDEX,
                switch("-m", "--post-mortem", help="Open the debugger when the task fails"),
                a.SUBDIR,
                option("-t", "--task-params", help="JSON object of params"),
                a.VERBOSE,
            ),
        ),
    ),
)
