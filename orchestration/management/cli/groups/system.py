"""The commands of the first level that belong to no noun, and the parts that run on."""

from orchestration.management.cli.arguments import (
    DRY_RUN,
    OUTPUT,
    VERBOSE,
    option,
    positional,
    positive,
    some_names,
    switch,
)
from orchestration.management.cli.tree import Command, Delegated, Entry, Needs

_BACKGROUND = (
    switch("-D", "--daemon", help="Run in the background"),
    option("-l", "--log-file", help="File for the log"),
    option("--pid", help="File to write the process id to", nargs="?"),
    option("--stderr", help="File for standard error"),
    option("--stdout", help="File for standard output"),
)

ENTRIES: tuple[Entry, ...] = (
    Command(
        "cheat-sheet",
        "List all commands",
        "system:cheat_sheet",
        (switch("--markdown", help="Write docs/cli.md to standard output", is_extra=True), VERBOSE),
        needs=Needs.NOTHING,
    ),
    Command(
        "completion",
        "Print a script that completes commands and options in a shell",
        "completion:script",
        (positional("shell", "The shell", choices=("bash", "zsh", "fish")),),
        needs=Needs.NOTHING,
        is_extra=True,
    ),
    Command(
        "import-airflow",
        "Copy what a live Airflow 2 database holds into this one",
        "import_airflow:import_",
        (
            option(
                "--from",
                help="Airflow's database: sqlite:////path/airflow.db or postgresql://…; - reads it from standard input",
                required=True,
                dest="source",
            ),
            DRY_RUN,
            option(
                "--tables",
                help="Only these kinds, separated by commas: variables, connections, pools, dags, roles, users, "
                "datasets, dataset_events, runs, sla_misses, log",
                type=some_names,
            ),
            switch("--paused", help="Pause every DAG that is copied, for Airflow still runs it"),
            option("--batch-size", help="Rows copied at a time", type=positive(zero=False), default=20000),
            option(
                "--processes",
                help="How many processes copy runs and the log (default: one for each processor, at most 8)",
                type=positive(zero=False),
            ),
            option(
                "--fernet-key", help="Airflow's fernet key; - reads it from standard input (default: [core] fernet_key)"
            ),
            VERBOSE,
        ),
        is_extra=True,
        event="cli_import_airflow",
    ),
    Command(
        "info",
        "Show what this installation is made of",
        "system:info",
        (
            switch("--anonymize", help="Leave out what names people, hosts and passwords"),
            switch("--file-io", help="Refused: nothing is sent to other hosts"),
            OUTPUT,
            VERBOSE,
        ),
    ),
    Command(
        "kerberos",
        "Keep a Kerberos ticket fresh for tasks",
        "kerberos:renew",
        (
            positional("principal", "The principal (default: kerberos.principal)", nargs="?"),
            *_BACKGROUND,
            option("-k", "--keytab", help="The keytab (default: kerberos.keytab)", nargs="?"),
            switch("-o", "--one-time", help="Get one ticket and end"),
            VERBOSE,
        ),
        needs=Needs.NOTHING,
    ),
    Command("plugins", "List the plugins", "system:plugins", (OUTPUT, VERBOSE)),
    Command(
        "rotate-fernet-key",
        "Encrypt all secrets anew with the newest key",
        "system:rotate_fernet_key",
        (DRY_RUN,),
        description="Put the new key before the old one in [core] fernet_key first.",
        event="cli_rotate_fernet_key",
    ),
    Command(
        "sync-perm",
        "Make the built-in roles and their permissions anew",
        "system:sync_permissions",
        (switch("--include-dags", help="Also apply what the DAG files' access_control says"), VERBOSE),
        event="cli_sync_perm",
    ),
    Command(
        "version", "Print the release of Airflow whose APIs are spoken here", "system:version", needs=Needs.NOTHING
    ),
    Delegated("celery", "Celery workers"),
    Delegated("dag-processor", "Start a DAG processor"),
    Delegated("scheduler", "Start a scheduler"),
    Delegated("standalone", "Run all parts on one machine"),
    Delegated("triggerer", "Start a triggerer"),
    Delegated("webserver", "Start the web server"),
)
