"""``pools``: slots that running tasks share."""

from orchestration.management.cli.arguments import DRY_RUN, OUTPUT, VERBOSE, positional, switch
from orchestration.management.cli.tree import Command, Group

_POOL = positional("pool", "The pool's name", metavar="NAME")
_POOLS = positional("pool", "The pool's name; - reads names from standard input, one a line", metavar="NAME")
_ANSWER = (OUTPUT, VERBOSE)

GROUP = Group(
    "pools",
    "Manage pools",
    (
        Command(
            "delete",
            "Delete a pool",
            "pools:delete",
            (_POOLS, DRY_RUN, *_ANSWER),
            event="cli_pool_delete",
            is_remote=True,
        ),
        Command(
            "export",
            "Export all pools",
            "pools:export",
            (positional("file", "JSON file to write", metavar="FILEPATH"), VERBOSE),
            is_remote=True,
        ),
        Command("get", "Get a pool", "pools:get", (_POOL, *_ANSWER), is_remote=True),
        Command(
            "import",
            "Import pools",
            "pools:import_",
            (
                positional(
                    "file",
                    'JSON file: {"name": {"slots": 5, "description": "", "include_deferred": true}, …}',
                    metavar="FILEPATH",
                ),
                DRY_RUN,
                VERBOSE,
            ),
            event="cli_pool_import",
            is_remote=True,
        ),
        Command("list", "List pools", "pools:list_pools", _ANSWER, is_remote=True),
        Command(
            "set",
            "Make or change a pool",
            "pools:set_",
            (
                _POOL,
                positional("slots", "Its slots; -1 is without limit", type=int),
                positional("description", "Its description"),
                switch("--include-deferred", help="Deferred tasks hold their slots"),
                DRY_RUN,
                *_ANSWER,
            ),
            event="cli_pool_set",
            is_remote=True,
        ),
    ),
)
