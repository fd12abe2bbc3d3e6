"""``providers``: the packages of Airflow's integrations that this program stands in for."""

from orchestration.management.cli.arguments import COLOR, OUTPUT, VERBOSE, positional, switch
from orchestration.management.cli.tree import Command, Group, Needs

_ANSWER = (OUTPUT, VERBOSE)


def _listing(name: str, help: str) -> Command:
    return Command(name, help, f"providers:{name.replace('-', '_')}", _ANSWER, needs=Needs.NOTHING)


GROUP = Group(
    "providers",
    "Display providers",
    (
        Command("auth", "List the authentication backends of the APIs", "providers:auth", _ANSWER),
        _listing("auth-managers", "List the authorisation managers"),
        _listing("behaviours", "List connection types whose form is special"),
        _listing("configs", "List the providers that bring options of their own"),
        _listing("executors", "List the executors"),
        Command(
            "get",
            "Show one provider",
            "providers:get",
            (
                positional("provider_name", "The provider's package", type=str),
                COLOR,
                switch("-f", "--full", help="Everything about it"),
                *_ANSWER,
            ),
            needs=Needs.NOTHING,
        ),
        _listing("hooks", "List the connection types and their hooks"),
        Command(
            "lazy-loaded",
            "Check that no provider is loaded before it is used",
            "providers:lazy_loaded",
            (VERBOSE,),
            needs=Needs.NOTHING,
        ),
        _listing("links", "List the operators' extra links"),
        Command("list", "List the providers", "providers:list_providers", _ANSWER, needs=Needs.NOTHING),
        _listing("logging", "List the handlers of task logs"),
        _listing("notifications", "List the notifiers"),
        _listing("secrets", "List the backends that secrets can come from"),
        _listing("triggers", "List the triggers"),
        _listing("widgets", "List the widgets of connection forms"),
    ),
)
