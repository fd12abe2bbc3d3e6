"""Roles: what is sent, what is answered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from django.contrib.auth.models import Group
from rest_framework import serializers

from api_v1.problems import bad_request
from api_v1.rows import Row
from api_v1.serializers.base import BodySerializer, FilledText, Listing, NestedBody, Text
from orchestration.access.permissions import Pair
from orchestration.services import roles


class NamedBody(NestedBody):
    """An action or a resource."""

    name = Text(required=False, help_text="The name.")


class ActionResourceBody(NestedBody):
    """An action on a resource."""

    action = NamedBody(required=False)
    resource = NamedBody(required=False, help_text="`DAG:…` is one DAG.")


class RoleBody(BodySerializer):
    """A role."""

    name = FilledText(required=False, max_length=64, help_text="The name of the role.")
    actions = Listing(child=ActionResourceBody(), required=False, help_text="What its holders may do.")

    required_late: ClassVar = ("name",)


class NamedAnswer(serializers.Serializer[Any]):
    """Action."""

    name = serializers.CharField()


class ActionResourceAnswer(serializers.Serializer[Any]):
    """The action on a resource."""

    action = NamedAnswer()
    resource = NamedAnswer()


class RoleAnswer(serializers.Serializer[Any]):
    """Role."""

    name = serializers.CharField(min_length=1, help_text="The name of the role.")
    actions = ActionResourceAnswer(many=True)


class RoleCollection(serializers.Serializer[Any]):
    """Collection of roles."""

    roles = RoleAnswer(many=True)
    total_entries = serializers.IntegerField()


class ActionCollection(serializers.Serializer[Any]):
    """Collection of actions."""

    actions = NamedAnswer(many=True)
    total_entries = serializers.IntegerField()


def pairs_of(sent: Iterable[Mapping[str, Any]]) -> list[Pair]:
    """The pairs that a body's actions mean; empty members are passed over. Raises Problem (400) for half a pair."""
    pairs = []
    for item in sent:
        if not item:
            continue
        action, resource = item.get("action", {}).get("name"), item.get("resource", {}).get("name")
        if action is None or resource is None:
            raise bad_request("Each of the actions needs an action and a resource, both with a name.")
        pairs.append(Pair(action, resource))
    return pairs


def role_rows(groups: Iterable[Group]) -> list[Row]:
    """Roles as they are answered; two queries for what they give."""
    found = list(groups)
    rights = roles.rights(found)
    return [
        {
            "name": group.name,
            "actions": [
                {"action": {"name": action}, "resource": {"name": resource}}
                for action, resource in rights[group.pk].shown()
            ],
        }
        for group in found
    ]


def role_row(group: Group) -> Row:
    """One role."""
    return role_rows([group])[0]
