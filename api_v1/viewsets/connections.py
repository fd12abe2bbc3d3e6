"""Connections."""

from __future__ import annotations

from django.http import HttpResponse

from api_v1.filters.connections import ConnectionListParameters, ConnectionPatchParameters
from api_v1.masks import masked
from api_v1.operations import Operation
from api_v1.pagination import order, page
from api_v1.rows import Row
from api_v1.serializers.connections import (
    ConnectionAnswer,
    ConnectionBody,
    ConnectionCollection,
    ConnectionPatchBody,
    ConnectionTestAnswer,
    connection_row,
    connection_rows,
)
from api_v1.viewsets.base import OperationViewSet
from orchestration.models import Connection
from orchestration.services import connection_tests, connections

_ORDER = {
    "connection_id": "conn_id",
    "conn_type": "conn_type",
    "description": "description",
    "host": "host",
    "port": "port",
    "id": "id",
}
_NOT_TESTED = "Connection tests are disabled. Who runs the system may set [core] test_connection to Enabled."


class ConnectionViewSet(OperationViewSet):
    """Connections: how tasks reach other systems."""

    operations = (
        Operation(
            "get_connections",
            "list",
            ConnectionListParameters,
            answer=ConnectionCollection,
            tag="Connection",
            summary="List connections",
        ),
        Operation(
            "post_connection",
            "create",
            body=ConnectionBody,
            answer=ConnectionAnswer,
            codes=(409,),
            event="connection.create",
            shown=connections.shown_body,
            tag="Connection",
            summary="Create a connection",
        ),
        Operation(
            "get_connection",
            "retrieve",
            answer=ConnectionAnswer,
            codes=(404,),
            tag="Connection",
            summary="Get a connection",
        ),
        Operation(
            "patch_connection",
            "update",
            ConnectionPatchParameters,
            body=ConnectionPatchBody,
            answer=ConnectionAnswer,
            codes=(404,),
            event="connection.edit",
            shown=connections.shown_body,
            tag="Connection",
            summary="Update a connection",
        ),
        Operation(
            "put_connection",
            "update",
            body=ConnectionPatchBody,
            answer=ConnectionAnswer,
            codes=(404,),
            event="connection.edit",
            shown=connections.shown_body,
            tag="Connection",
            summary="Update a connection (short form)",
        ),
        Operation(
            "delete_connection",
            "destroy",
            status=204,
            codes=(404,),
            event="connection.delete",
            tag="Connection",
            summary="Delete a connection",
        ),
    )

    def list(self) -> HttpResponse:
        """Connections, without ``extra``."""
        part = page(self.query)
        rows = Connection.objects.all()
        total = rows.count()
        chosen = part.of(order(rows, self.query.get("order_by"), _ORDER, default="id", key="id"))
        return self.paged({"connections": connection_rows(chosen), "total_entries": total}, part, total)

    def create(self) -> Row:
        """Make a connection."""
        return connection_row(connections.create(actor=self.caller, **self.load()))

    def retrieve(self) -> Row:
        """One connection; secret members of ``extra`` are hidden."""
        return connection_row(connections.find(self.kwargs["connection_id"]))

    def update(self) -> Row:
        """Change what is sent. A member of ``extra`` sent as ``***`` keeps its secret."""
        changes = self.load()
        connection = connections.find(self.kwargs["connection_id"])
        if changes.get("conn_id"):
            connections.refuse_new_id(connection, changes["conn_id"])
        changes = masked(changes, self.query.get("update_mask"), fixed=("connection_id", "conn_id"))
        changes.pop("conn_id", None)
        return connection_row(connections.update(connection, actor=self.caller, **changes))

    def destroy(self) -> None:
        """Delete a connection."""
        connections.delete(connections.find(self.kwargs["connection_id"]), actor=self.caller)


class ConnectionTestViewSet(OperationViewSet):
    """Tests of connections that are not stored."""

    operations = (
        Operation(
            "test_connection",
            "test",
            body=ConnectionBody,
            answer=ConnectionTestAnswer,
            codes=(404,),
            tag="Connection",
            summary="Test a connection",
        ),
    )

    def test(self) -> HttpResponse | Row:
        """Try a connection from the server, where ``core.test_connection`` allows that."""
        if not connection_tests.is_enabled():
            return HttpResponse(_NOT_TESTED, status=403, content_type="text/html; charset=utf-8")
        values = self.load()
        result = connection_tests.run(Connection(**values), actor=self.caller)
        return {"status": result.is_good, "message": result.message}
