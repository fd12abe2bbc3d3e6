"""The configuration."""

from __future__ import annotations

from django.http import HttpResponse

from api_v1.filters.config import ConfigParameters
from api_v1.negotiation import best_match
from api_v1.operations import Operation
from api_v1.renderers import dumps
from api_v1.serializers.config import Config, config_row
from api_v1.viewsets.base import OperationViewSet
from orchestration.services import configuration

#: What can be answered; the first where the caller takes anything.
_TYPES = ("text/plain", "application/json")


class ConfigViewSet(OperationViewSet):
    """The configuration, as far as ``webserver.expose_config`` shows it; never a sensitive value."""

    operations = (
        Operation(
            "get_config",
            "list",
            ConfigParameters,
            answer=Config,
            codes=(404, 406),
            media_types=_TYPES,
            tag="Config",
            summary="Get the configuration",
        ),
        Operation(
            "get_value",
            "retrieve",
            answer=Config,
            codes=(404, 406),
            media_types=_TYPES,
            tag="Config",
            summary="Get an option of the configuration",
        ),
    )

    def list(self) -> HttpResponse:
        """All options, or those of one section."""
        return self._negotiated(lambda: configuration.sections(self.query.get("section") or None))

    def retrieve(self) -> HttpResponse:
        """One option."""
        return self._negotiated(lambda: configuration.option(self.kwargs["section"], self.kwargs["option"]))

    def _negotiated(self, read: configuration.Read) -> HttpResponse:
        kind = best_match(self.request._request, _TYPES)
        if kind is None:
            return HttpResponse(b"", status=406, content_type="text/html; charset=utf-8")
        shown = read()
        if kind == "text/plain":
            return HttpResponse(configuration.as_text(shown), content_type="text/plain; charset=utf-8")
        return HttpResponse(dumps(config_row(shown)), content_type="application/json")
