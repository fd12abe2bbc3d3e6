"""``connections``: how tasks reach other systems."""

from orchestration.management.cli.arguments import COLOR, DRY_RUN, OUTPUT, VERBOSE, option, positional, switch
from orchestration.management.cli.tree import Command, Group

_CONN_ID = positional("conn_id", "The connection's id", type=str)
_CONN_IDS = positional("conn_id", "The connection's id; - reads ids from standard input, one a line", type=str)
_FORMATS = ("json", "yaml", "env")

GROUP = Group(
    "connections",
    "Manage connections",
    (
        Command(
            "add",
            "Add a connection",
            "connections:add",
            (
                _CONN_ID,
                option("--conn-description", help="Description", type=str),
                option("--conn-extra", help="Extra: JSON, or any text", type=str),
                option("--conn-host", help="Host", type=str),
                option("--conn-json", help="The whole connection as JSON; - reads it from standard input", type=str),
                option("--conn-login", help="Login", type=str),
                option(
                    "--conn-password",
                    help="Password; - reads it from standard input, so that it is not in the list of processes",
                    type=str,
                ),
                option("--conn-port", help="Port", type=str),
                option("--conn-schema", help="Schema", type=str),
                option("--conn-type", help="Type; required without --conn-uri and --conn-json", type=str),
                option("--conn-uri", help="The whole connection as a URI; - reads it from standard input", type=str),
            ),
            event="cli_connections_add",
            is_remote=True,
        ),
        Command(
            "create-default-connections",
            "Create the connections that Airflow makes for a new installation",
            "connections:create_defaults",
            (VERBOSE,),
            event="cli_create_default_connections",
        ),
        Command(
            "delete",
            "Delete a connection",
            "connections:delete",
            (_CONN_IDS, COLOR, DRY_RUN, VERBOSE),
            event="cli_connections_delete",
            is_remote=True,
        ),
        Command(
            "export",
            "Export all connections",
            "connections_files:export",
            (
                positional("file", "File to write; - is standard output"),
                option(
                    "--file-format",
                    help="Form of the file; without it the file's suffix says",
                    choices=_FORMATS,
                    type=str,
                ),
                option("--format", help="Deprecated: use --file-format", choices=_FORMATS, type=str),
                option(
                    "--serialization-format",
                    help="Form of each connection in an .env file (default: uri)",
                    choices=("json", "uri"),
                    type=str.lower,
                ),
                VERBOSE,
            ),
            is_remote=True,
        ),
        Command("get", "Get a connection", "connections:get", (_CONN_ID, COLOR, OUTPUT, VERBOSE), is_remote=True),
        Command(
            "import",
            "Import connections from a file",
            "connections_files:import_",
            (
                positional("file", "A .json, .yaml, .yml or .env file"),
                switch("--overwrite", help="Replace connections that exist"),
                DRY_RUN,
                VERBOSE,
            ),
            event="cli_connections_import",
            is_remote=True,
        ),
        Command(
            "list",
            "List connections",
            "connections:list_connections",
            (option("--conn-id", help="Only this connection", type=str), OUTPUT, VERBOSE),
            is_remote=True,
        ),
        Command("test", "Test a connection", "connections:test", (_CONN_ID, VERBOSE)),
    ),
)
