"""``variables``: texts that DAG files and tasks look up."""

from orchestration.management.cli.arguments import DRY_RUN, OUTPUT, VERBOSE, option, positional, switch
from orchestration.management.cli.tree import Command, Group

_KEY = positional("key", "The variable's key")
_KEYS = positional("key", "The variable's key; - reads keys from standard input, one a line")

GROUP = Group(
    "variables",
    "Manage variables",
    (
        Command(
            "delete",
            "Delete a variable",
            "variables:delete",
            (_KEYS, DRY_RUN, VERBOSE),
            event="cli_variables_delete",
            is_remote=True,
        ),
        Command(
            "export",
            "Export all variables",
            "variables:export",
            (positional("file", "JSON file to write; - is standard output"), VERBOSE),
            is_remote=True,
        ),
        Command(
            "get",
            "Print a variable",
            "variables:get",
            (
                _KEY,
                option("-d", "--default", help="What to print when it does not exist", metavar="VAL"),
                switch("-j", "--json", help="Read the value as JSON"),
                VERBOSE,
            ),
            is_remote=True,
        ),
        Command(
            "import",
            "Import variables",
            "variables:import_",
            (
                positional("file", "JSON file to read"),
                option(
                    "-a",
                    "--action-on-existing-key",
                    help="What to do with a key that exists (default: overwrite)",
                    choices=("overwrite", "fail", "skip"),
                    default="overwrite",
                ),
                DRY_RUN,
                VERBOSE,
            ),
            event="cli_variables_import",
            is_remote=True,
        ),
        Command("list", "List the keys", "variables:list_variables", (OUTPUT, VERBOSE), is_remote=True),
        Command(
            "set",
            "Set a variable",
            "variables:set_",
            (
                _KEY,
                positional("value", "Its value; - reads it from standard input", metavar="VALUE"),
                option("--description", help="Its description"),
                switch("-j", "--json", help="Store the value as JSON"),
                DRY_RUN,
                VERBOSE,
            ),
            event="cli_variables_set",
            is_remote=True,
        ),
    ),
)
