"""``roles``: named sets of permissions."""

from orchestration.management.cli.arguments import DRY_RUN, OUTPUT, VERBOSE, option, positional, switch
from orchestration.management.cli.tree import Command, Group

_ROLES = positional("role", "Names of roles", nargs="*")
_RESOURCES = option("-r", "--resource", help="Resources", nargs="*", required=True)

GROUP = Group(
    "roles",
    "Manage roles",
    (
        Command(
            "add-perms",
            "Give permissions to roles",
            "roles:add_permissions",
            (_ROLES, option("-a", "--action", help="Actions", nargs="*", required=True), _RESOURCES, VERBOSE),
            event="cli_roles_add_perms",
        ),
        Command("create", "Create roles", "roles:create", (_ROLES, VERBOSE), event="cli_roles_create"),
        Command(
            "del-perms",
            "Take permissions from roles",
            "roles:delete_permissions",
            (
                _ROLES,
                option("-a", "--action", help="Actions; without it all on the resources", nargs="*"),
                _RESOURCES,
                DRY_RUN,
                VERBOSE,
            ),
            event="cli_roles_del_perms",
        ),
        Command("delete", "Delete roles", "roles:delete", (_ROLES, DRY_RUN, VERBOSE), event="cli_roles_delete"),
        Command(
            "export",
            "Export all roles and their permissions",
            "roles:export",
            (
                positional("file", "JSON file to write"),
                switch("-p", "--pretty", help="Sorted, and indented by 4"),
                VERBOSE,
            ),
        ),
        Command(
            "import",
            "Import roles and their permissions",
            "roles:import_",
            (positional("file", "JSON file to read"), DRY_RUN, VERBOSE),
            event="cli_roles_import",
        ),
        Command(
            "list",
            "List roles",
            "roles:list_roles",
            (OUTPUT, switch("-p", "--permission", help="And their permissions"), VERBOSE),
        ),
    ),
)
