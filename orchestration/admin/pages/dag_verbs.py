"""What operators do with a DAG as a whole: have its file parsed again, delete it."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from orchestration.access.requirements import BY_ID
from orchestration.admin.pages.base import Page, Verb
from orchestration.admin.pages.dag import OfDag
from orchestration.errors import Forbidden
from orchestration.models import Dag, DagRun
from orchestration.services import dags


class ReparseVerb(Verb, OfDag):
    """Have the DAG's file parsed now."""

    event = "reparse_dag_file"
    pairs = BY_ID["patch_dag"].pairs

    def act(self, body: dict[str, Any]) -> Any:
        """Ask for it, where the caller may edit every DAG of the file, as the API does."""
        for dag_id in Dag.objects.filter(fileloc=self.dag.fileloc).values_list("dag_id", flat=True):
            if not BY_ID["patch_dag"].allows(self.request.user, dag_id):
                raise Forbidden("This file defines DAGs that you may not edit.")
        dags.reparse(self.dag.fileloc, actor=self.request.user)
        return {"message": "The file will be parsed next."}


class DeleteVerb(Verb, OfDag):
    """Delete the DAG; a dry run tells what goes with it."""

    event = "delete_dag"
    pairs = BY_ID["delete_dag"].pairs

    def act(self, body: dict[str, Any]) -> Any:
        """How many rows, or what would be lost."""
        if body.get("dry_run"):
            runs = DagRun.objects.filter(dag=self.dag)
            return {"affected": [], "count": 1, "runs": runs.count()}
        return {"count": dags.delete(self.dag, actor=self.request.user), "url": reverse("admin:desk_dags")}


PAGES: tuple[tuple[str, str, type[Page]], ...] = (
    ("dags/<str:dag_id>/reparse", "desk_dag_reparse", ReparseVerb),
    ("dags/<str:dag_id>/delete", "desk_dag_delete", DeleteVerb),
)
