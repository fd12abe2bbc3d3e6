"""The configuration, plugins and providers."""

from __future__ import annotations

from typing import Any

from orchestration.access.requirements import BY_ID
from orchestration.admin.pages.base import Page
from orchestration.authoring.hook_table import HOOKS
from orchestration.conf import TABLE, Option
from orchestration.errors import Forbidden
from orchestration.services import configuration, providers


class ConfigPage(Page):
    """The options with their values, as far as ``webserver.expose_config`` shows them; never a sensitive value."""

    pairs = BY_ID["get_config"].pairs
    template_name = "desk/config.html"
    title = "Configuration"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """No query of its own. Where nothing may be shown, ``refused`` says so."""
        search = self.request.GET.get("search", "").strip()[:100]
        try:
            sections = self._sections(search.lower())
            refused = False
        except Forbidden:
            sections, refused = [], True
        return super().get_context_data(sections=sections, refused=refused, search=search, **kwargs)

    @staticmethod
    def _sections(search: str) -> list[tuple[str, list[tuple[Option, str]]]]:
        """(section, [(option, its value as it may be shown)]), those that hold the text."""
        found = []
        for section, options in configuration.sections().items():
            rows = [
                (TABLE[section, key], value)
                for key, value in options.items()
                if search in f"{section} {key} {TABLE[section, key].meaning}".lower()
            ]
            if rows:
                found.append((section, rows))
        return found


class PluginsPage(Page):
    """There are none, which the page says."""

    pairs = BY_ID["get_plugins"].pairs
    template_name = "desk/plugins.html"
    title = "Plugins"


class ProvidersPage(Page):
    """The provider packages whose imports work here, and the connection types that have a hook."""

    pairs = BY_ID["get_providers"].pairs
    template_name = "desk/providers.html"
    title = "Providers"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """No query of its own."""
        hooks = sorted((kind, name) for kind, (_, name, _) in HOOKS.items())
        return super().get_context_data(providers=providers.all_provided(), hooks=hooks, **kwargs)


PAGES: tuple[tuple[str, str, type[Page]], ...] = (
    ("config/", "desk_config", ConfigPage),
    ("plugins/", "desk_plugins", PluginsPage),
    ("providers/", "desk_providers", ProvidersPage),
)
