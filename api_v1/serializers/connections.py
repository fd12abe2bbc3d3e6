"""Connections: what is sent, what is answered. The password is never answered."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework import serializers

from api_v1.rows import Row, Shape
from api_v1.serializers.base import BodySerializer, Text, Whole
from orchestration.models import Connection
from orchestration.services import connections


class ConnectionPatchBody(BodySerializer):
    """A change of a connection: what is sent is changed."""

    connection_id = Text(source="conn_id", required=False, help_text="The connection ID.")
    conn_type = Text(required=False, help_text="The connection type.")
    description = Text(required=False, allow_null=True, help_text="The description of the connection.")
    host = Text(required=False, allow_null=True, help_text="Host of the connection.")
    login = Text(required=False, allow_null=True, help_text="Login of the connection.")
    schema = Text(required=False, allow_null=True, help_text="Schema of the connection.")
    port = Whole(required=False, allow_null=True, help_text="Port of the connection.")
    password = Text(
        required=False,
        write_only=True,
        is_secret=True,
        style={"input_type": "password"},
        help_text="Password of the connection.",
    )
    extra = Text(required=False, allow_null=True, is_secret=True, help_text="Other values, as JSON or any text.")

    aliases: ClassVar = {"conn_id": "connection_id"}


class ConnectionBody(ConnectionPatchBody):
    """A new connection."""

    required_late: ClassVar = ("connection_id", "conn_type")


class ConnectionItem(serializers.Serializer[Any]):
    """Connection in a list."""

    connection_id = serializers.CharField(help_text="The connection ID.")
    conn_id = serializers.CharField(help_text="The same.")
    conn_type = serializers.CharField(help_text="The connection type.")
    description = serializers.CharField(allow_null=True, help_text="The description of the connection.")
    host = serializers.CharField(allow_null=True, help_text="Host of the connection.")
    login = serializers.CharField(allow_null=True, help_text="Login of the connection.")
    schema = serializers.CharField(allow_null=True, help_text="Schema of the connection.")
    port = serializers.IntegerField(allow_null=True, help_text="Port of the connection.")


class ConnectionAnswer(ConnectionItem):
    """Connection."""

    extra = serializers.CharField(allow_null=True, help_text="Other values; secret members of JSON are hidden.")


class ConnectionCollection(serializers.Serializer[Any]):
    """Collection of connections."""

    connections = ConnectionItem(many=True)
    total_entries = serializers.IntegerField()


class ConnectionTestAnswer(serializers.Serializer[Any]):
    """Result of a connection test."""

    status = serializers.BooleanField(help_text="Whether the connection works.")
    message = serializers.CharField(help_text="What was found.")


_COLUMNS = {
    "connection_id": "conn_id",
    "conn_type": "conn_type",
    "description": "description",
    "host": "host",
    "login": "login",
    "schema": "schema",
    "port": "port",
}
_ITEM = Shape(_COLUMNS, copies={"conn_id": "connection_id"})


def connection_rows(rows: QuerySet[Connection]) -> list[Row]:
    """Connections as lists show them; one query."""
    return _ITEM.rows(rows)


def connection_row(connection: Connection) -> Row:
    """One connection."""
    row = {member: getattr(connection, column) for member, column in _COLUMNS.items()}
    return {**row, "conn_id": connection.conn_id, "extra": connections.shown_extra(connection.extra)}
