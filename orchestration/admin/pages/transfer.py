"""Variables as a file: export and import."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from orchestration.access.requirements import BY_ID
from orchestration.admin.pages.base import Page
from orchestration.conf import conf
from orchestration.errors import Invalid, OrchestrationError
from orchestration.models import Variable
from orchestration.services import variable_files
from orchestration.services.variable_files import Existing


def download(rows: Any) -> HttpResponse:
    """The variables as a file to keep."""
    answer = HttpResponse(variable_files.export(rows), content_type="application/json")
    answer.headers["Content-Disposition"] = 'attachment; filename="variables.json"'
    return answer


class ExportPage(Page):
    """All variables as the reference's JSON; values under secret keys are masked. One query."""

    pairs = BY_ID["get_variables"].pairs

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The file."""
        return download(Variable.objects.order_by("key"))


class ImportPage(Page):
    """The form that takes a file, and what happens with it."""

    pairs = BY_ID["post_variables"].pairs
    template_name = "desk/import.html"
    title = "Import variables"
    #: What can be done with keys that are there.
    choices: ClassVar = (
        (Existing.OVERWRITE, "Overwrite them"),
        (Existing.SKIP, "Leave them as they are"),
        (Existing.FAIL, "Import nothing"),
    )

    def crumbs(self) -> list[tuple[str, str]]:
        """Back to the list."""
        return [("Variables", reverse("admin:orchestration_variable_changelist"))]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """No query of its own."""
        return super().get_context_data(choices=self.choices, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Import the file, and go back to the list; what is refused is told on this page."""
        try:
            done = variable_files.import_(self._file(), actor=request.user, existing=self._existing())
        except OrchestrationError as error:
            context = self.get_context_data(error=error.detail or error.title, chosen=request.POST.get("existing"))
            return self.render_to_response(context)
        skipped = f" {len(done.skipped)} were there and stay as they are." if done.skipped else ""
        messages.success(request, f"{done.count} variable{'' if done.count == 1 else 's'} imported.{skipped}")
        return HttpResponseRedirect(reverse("admin:orchestration_variable_changelist"))

    def _file(self) -> dict[str, Any]:
        given = self.request.FILES.get("file")
        if given is None:
            raise Invalid("Choose a file first.")
        most = conf.getint("api", "maximum_body_bytes")
        if given.size is None or given.size > most:
            raise Invalid(f"The file is larger than {most:,} bytes. Split it.")
        return variable_files.parse(given.read())

    def _existing(self) -> Existing:
        try:
            return Existing(self.request.POST.get("existing", Existing.OVERWRITE))
        except ValueError:
            raise Invalid("Choose what to do with keys that are there already.") from None


PAGES: tuple[tuple[str, str, type[Page]], ...] = (
    ("variables/export.json", "desk_variables_export", ExportPage),
    ("variables/import/", "desk_variables_import", ImportPage),
)
