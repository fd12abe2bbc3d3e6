"""Why a run or a task instance does not go on, in sentences for operators that lead to what it waits for.

Beside what ``scheduling.unmet`` says of an instance's dependencies: what keeps a run from starting, runs that wait for
each other, processes that are gone, places that are taken, and what each state of a waiting instance waits for.
The sentences are safe HTML: links and moments, with all names escaped.
"""

from orchestration.admin.queries.waits.instances import of_instance
from orchestration.admin.queries.waits.runs import of_run

__all__ = ["of_instance", "of_run"]
