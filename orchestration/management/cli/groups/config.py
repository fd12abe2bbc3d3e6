"""``config``: what the options are set to."""

from orchestration.management.cli.arguments import COLOR, VERBOSE, option, positional, switch
from orchestration.management.cli.tree import Command, Group, Needs

GROUP = Group(
    "config",
    "View configuration",
    (
        Command(
            "get-value",
            "Print the value of an option",
            "config:get_value",
            (positional("section", "The section"), positional("option", "The option's name"), VERBOSE),
            needs=Needs.NOTHING,
        ),
        Command(
            "list",
            "List the options",
            "config:list_options",
            (
                COLOR,
                switch("-c", "--comment-out-everything", help="Write a # before every option"),
                switch(
                    "-a", "--defaults", help="Only defaults, with descriptions, examples and variables, commented out"
                ),
                switch("-p", "--exclude-providers", help="Leave out the options of providers (there are none here)"),
                switch("-d", "--include-descriptions", help="Say what each option means"),
                switch("-V", "--include-env-vars", help="Show each option's environment variable"),
                switch("-e", "--include-examples", help="Show examples where there are any"),
                switch("-s", "--include-sources", help="Say where each value comes from"),
                option("--section", help="Only this section"),
                switch("--show-values", help="Print sensitive values, too", is_extra=True),
                VERBOSE,
            ),
            needs=Needs.NOTHING,
        ),
    ),
)
