"""Task logs, read in constant memory while they grow."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from django.core.signing import BadSignature, Signer
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse

from api_v1.filters.logs import LogParameters
from api_v1.negotiation import best_match
from api_v1.operations import Operation
from api_v1.problems import bad_request, not_found
from api_v1.renderers import json_response
from api_v1.serializers.logs import LogAnswer
from api_v1.viewsets.base import OperationViewSet
from orchestration.errors import Invalid
from orchestration.execution.logs import Cursor, log_path, parts_of, read_try
from orchestration.models import TaskInstance, TaskInstanceHistory

#: What can be answered; the first where the caller takes anything.
_TYPES = ("text/plain", "application/json")

_SALT = "api_v1.log_position"
_BAD_TOKEN = "Bad Signature. Please use only the tokens provided by the API."  # noqa: S105 an error's title


class LogViewSet(OperationViewSet):
    """Task logs."""

    operations = (
        Operation(
            "get_log",
            "get",
            LogParameters,
            answer=LogAnswer,
            codes=(404,),
            media_types=_TYPES,
            tag="TaskInstance",
            summary="Get the log of a try",
        ),
    )

    def get(self) -> HttpResponse | StreamingHttpResponse:
        """The log of one try: as text all of it, as JSON in parts with a token for what comes after."""
        number = int(self.kwargs["task_try_number"])
        cursor = self._cursor()
        host, path = self._place(number)
        if path is None:
            said = f"Error fetching the logs. Try number {number} is invalid."
            return self._told("default_host", said, cursor)
        if not parts_of(path):
            said = f"*** There is no log of try {number} here: it has not started, or ran elsewhere.\n"
            return self._told(host, said if cursor is None else "", cursor)
        if _is_text_wanted(self.request._request):
            return StreamingHttpResponse(_as_text(host, path, cursor), content_type="text/plain; charset=utf-8")
        if self.query.get("full_content"):
            return StreamingHttpResponse(_as_json(host, path, cursor), content_type="application/json")
        data, after, _ = read_try(path, cursor)
        text = data.decode(errors="replace")
        return json_response({"content": str([(host, text)]), "continuation_token": _token(after)})

    def _place(self, number: int) -> tuple[str, Path | None]:
        """The host and the file of a try; no file for a number that no try has."""
        index = self.query.get("map_index", -1)
        names = self.kwargs
        found = None
        if -(2**31) <= index < 2**31:
            found = (
                TaskInstance.objects.filter(
                    run__dag_id=names["dag_id"],
                    run__run_id=names["dag_run_id"],
                    task_id=names["task_id"],
                    map_index=index,
                )
                .values_list("pk", "hostname", "try_number", "run__logical_date")
                .first()
            )
        if found is None:
            raise not_found("TaskInstance not found")
        if not 0 < number < 2**31:
            return "default_host", None
        pk, host, present, logical_date = found
        if number != present:
            earlier = TaskInstanceHistory.objects.filter(task_instance=pk, try_number=number)
            host = earlier.values_list("hostname", flat=True).first() or host
        try:
            path = log_path(
                dag_id=names["dag_id"],
                run_id=names["dag_run_id"],
                task_id=names["task_id"],
                map_index=index,
                try_number=number,
                logical_date=logical_date,
            )
        except Invalid:
            raise not_found("TaskInstance not found") from None
        return host, path

    def _cursor(self) -> Cursor | None:
        token = self.query.get("token")
        if not token:
            return None
        try:
            return Cursor.from_json(_signer().unsign_object(token))
        except (BadSignature, Invalid, ValueError):
            raise bad_request(title=_BAD_TOKEN) from None

    def _told(self, host: str, said: str, cursor: Cursor | None) -> HttpResponse:
        """A sentence in a log's place."""
        if _is_text_wanted(self.request._request):
            return HttpResponse(f"{host}\n{said}\n", content_type="text/plain; charset=utf-8")
        return json_response({"content": str([(host, said)]), "continuation_token": _token(cursor or Cursor())})


def _is_text_wanted(request: HttpRequest) -> bool:
    """Whether the caller likes text at least as much as JSON; one who says nothing gets JSON, as in the reference."""
    return "Accept" in request.headers and best_match(request, _TYPES) == "text/plain"


def _signer() -> Signer:
    return Signer(sep=".", salt=_SALT)


def _token(cursor: Cursor) -> str:
    return _signer().sign_object(cursor.as_json())


def _pieces(path: Path, cursor: Cursor | None) -> Iterator[tuple[bytes, Cursor]]:
    """The log from the cursor to its end for now, a megabyte at a time."""
    is_end = False
    while not is_end:
        data, cursor, is_end = read_try(path, cursor)
        yield data, cursor
        if not data:
            return


def _as_text(host: str, path: Path, cursor: Cursor | None) -> Iterator[bytes]:
    yield f"{host}\n".encode()
    for data, _ in _pieces(path, cursor):
        yield data
    yield b"\n"


def _as_json(host: str, path: Path, cursor: Cursor | None) -> Iterator[str]:
    """The JSON answer piece by piece: the text of ``[(host, text)]`` within a JSON text."""
    after = cursor or Cursor()
    yield '{"content":"[(' + _within(repr(host)) + ", '"
    for data, reached in _pieces(path, cursor):
        after = reached
        yield _within(_quoted(data.decode(errors="replace")))
    yield "')]\"," + json.dumps("continuation_token") + ":" + json.dumps(_token(after)) + "}"


def _quoted(text: str) -> str:
    """``text`` as it stands between single quotes in Python."""
    both = repr(text + '"')  # a double quote in it makes repr choose single quotes
    return both[1:-2]


def _within(text: str) -> str:
    """``text`` as it stands within a JSON text."""
    return json.dumps(text, ensure_ascii=False)[1:-1]
