"""Notifiers: callbacks that send a message with templated fields. Mirrors ``airflow.notifications.basenotifier``."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from orchestration.authoring.templates import Templater

if TYPE_CHECKING:
    import jinja2

    from orchestration.authoring.dag import DAG

#: What a callback for missed SLAs is called with.
_SLA_ARGUMENTS = ("dag", "task_list", "blocking_task_list", "slas", "blocking_tis")


class BaseNotifier(Templater):
    """A callback; subclasses send in ``notify(context)``. A failure to send is logged and harms nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.resolve_template_files()

    def _update_context(self, context: Any) -> Any:
        """The context with the notifier's fields in it."""
        context.update({name: getattr(self, name) for name in self.template_fields})
        return context

    def _render(self, template: jinja2.Template, context: Any, dag: DAG | None = None) -> Any:
        return super()._render(template, context, dag or context["dag"])

    def render_template_fields(self, context: Any, jinja_env: jinja2.Environment | None = None) -> None:
        """Replace the templated fields by their values."""
        env = jinja_env or self.get_template_env(dag=context["dag"])
        self._do_render_template_fields(self, self.template_fields, context, env, set())

    @abstractmethod
    def notify(self, context: Any) -> None:
        """Send."""

    def __call__(self, *args: Any) -> None:
        """Send for a context, or for a missed SLA."""
        context = args[0] if len(args) == 1 else dict(zip(_SLA_ARGUMENTS, args, strict=False))
        context = self._update_context(context)
        self.render_template_fields(context)
        try:
            self.notify(context)
        except Exception:
            self.log.exception("The notification could not be sent")
