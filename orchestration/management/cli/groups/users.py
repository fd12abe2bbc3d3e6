"""``users``: people and programs that call the system."""

from orchestration.management.cli.arguments import DRY_RUN, OUTPUT, VERBOSE, option, positional, switch
from orchestration.management.cli.tree import Command, Group, Needs

_EMAIL = option("-e", "--email", help="E-mail address", type=str)
_USERNAME = option("-u", "--username", help="User name", type=str)
_ROLE = option("-r", "--role", help="Role: Admin, Op, User, Viewer, Public or one of your own", type=str, required=True)
_PASSWORD = option(
    "-p",
    "--password",
    help="Password; - reads it from standard input. Without it AIRFLOWSITE_PASSWORD is used, or you are asked",
    type=str,
)
_RANDOM = switch("--use-random-password", help="Make a password nobody knows; it can be reset later")

GROUP = Group(
    "users",
    "Manage users",
    (
        Command(
            "add-role",
            "Give a role to a user",
            "users:add_role",
            (_EMAIL, _ROLE, _USERNAME, VERBOSE),
            event="cli_add_role",
        ),
        Command(
            "create",
            "Create a user",
            "users:create",
            (
                option("-e", "--email", help="E-mail address", type=str, required=True),
                option("-f", "--firstname", help="First name", type=str, required=True),
                option("-l", "--lastname", help="Last name", type=str, required=True),
                _PASSWORD,
                _ROLE,
                _RANDOM,
                option("-u", "--username", help="User name", type=str, required=True),
                VERBOSE,
            ),
            event="cli_users_create",
        ),
        Command(
            "delete",
            "Delete a user",
            "users:delete",
            (_EMAIL, _USERNAME, DRY_RUN, VERBOSE),
            needs=Needs.EVERYTHING,
            event="cli_users_delete",
        ),
        Command(
            "export",
            "Export all users",
            "users_files:export",
            (positional("export", "JSON file to write", metavar="FILEPATH"), VERBOSE),
        ),
        Command(
            "import",
            "Import users",
            "users_files:import_",
            (
                positional(
                    "import",
                    'JSON file: [{"email", "firstname", "lastname", "username", "roles": ["Op"], …}, …]',
                    metavar="FILEPATH",
                ),
                DRY_RUN,
                VERBOSE,
            ),
            event="cli_users_import",
        ),
        Command("list", "List users", "users:list_users", (OUTPUT, VERBOSE)),
        Command(
            "remove-role",
            "Take a role from a user",
            "users:remove_role",
            (_EMAIL, _ROLE, _USERNAME, DRY_RUN, VERBOSE),
            event="cli_remove_role",
        ),
        Command(
            "reset-password",
            "Give a user a new password",
            "users:reset_password",
            (_EMAIL, _PASSWORD, _RANDOM, _USERNAME, DRY_RUN, VERBOSE),
            event="cli_user_reset_password",
        ),
    ),
)
