"""What a page answers when it fails: that the database is away is no failure of the program."""

from __future__ import annotations

import logging
import sys

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.defaults import server_error

from orchestration.models.outages import first_line, is_outage

log = logging.getLogger(__name__)

#: Seconds after which a browser may ask again.
RETRY_AFTER_SECONDS = 5


def failed(request: HttpRequest) -> HttpResponse:
    """Django's ``handler500``: a 503 with a line in the log while the database is away, else the failure's page."""
    error = sys.exc_info()[1]
    if error is None or not is_outage(error):
        return server_error(request)
    log.warning("The database is busy or away: %s", first_line(error))
    answer = HttpResponse(render_to_string("503.html"), status=503, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})
    answer._has_been_logged = True  # type: ignore[attr-defined]  # Django would log it with its trace
    return answer
