"""Users."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse

from api_v1.filters.users import UserListParameters, UserPatchParameters
from api_v1.operations import Operation
from api_v1.pagination import order, page
from api_v1.problems import bad_request
from api_v1.rows import Row
from api_v1.serializers.users import UserAnswer, UserBody, UserCollection, user_row, user_rows
from api_v1.viewsets.base import OperationViewSet
from orchestration.authoring.secrets import MASK
from orchestration.models import User
from orchestration.services import users

_ORDER = ("id", "first_name", "last_name", "email")
_REQUIRED = ("first_name", "last_name", "username", "email")
#: What the short form of the API sends: to create, with any of the last two; to change, any of them.
_SHORT_CREATE = frozenset({"username", "email", "password"})
_SHORT_CHANGE = frozenset({"email", "password", "is_active", "is_admin"})


def shown(body: Any) -> dict[str, Any]:
    """A body as the audit log keeps it."""
    return {name: MASK if name == "password" else value for name, value in body.items()}


class UserViewSet(OperationViewSet):
    """Users."""

    operations = (
        Operation(
            "get_users",
            "list",
            UserListParameters,
            answer=UserCollection,
            tag="User",
            summary="List users",
        ),
        Operation(
            "post_user",
            "create",
            body=UserBody,
            answer=UserAnswer,
            codes=(409,),
            event="post_user",
            shown=shown,
            tag="User",
            summary="Create a user",
        ),
        Operation(
            "get_user",
            "retrieve",
            answer=UserAnswer,
            codes=(404,),
            tag="User",
            summary="Get a user",
        ),
        Operation(
            "patch_user",
            "partial_update",
            UserPatchParameters,
            body=UserBody,
            answer=UserAnswer,
            codes=(404, 409),
            event="patch_user",
            shown=shown,
            tag="User",
            summary="Update a user",
        ),
        Operation(
            "delete_user",
            "destroy",
            status=204,
            codes=(404, 409),
            event="delete_user",
            tag="User",
            summary="Delete a user",
        ),
    )

    def list(self) -> HttpResponse:
        """Users and their roles."""
        part = page(self.query)
        asked = self.query.get("order_by")
        if asked is not None and asked not in _ORDER:
            raise bad_request(
                f"Ordering with '{asked[:100]}' is disallowed or the attribute does not exist on the model"
            )
        rows = User.objects.all()
        total = rows.count()
        chosen = part.of(order(rows, asked, _ORDER, default="id", key="id"))
        return self.paged({"users": user_rows(chosen), "total_entries": total}, part, total)

    def create(self) -> Row:
        """Make a user; without roles the role is Public."""
        values = self.load()
        if not values.keys() >= _SHORT_CREATE:
            _require(values, _REQUIRED)
        names = _role_names(values)
        return user_row(users.create(actor=self.caller, role_names=names, **values))

    def retrieve(self) -> Row:
        """One user."""
        return user_row(users.find(self.kwargs["username"]))

    def partial_update(self) -> Row:
        """Change a user. A changed password ends the user's sessions and tokens."""
        values = self.load()
        if not values or not values.keys() <= _SHORT_CHANGE:
            _require(values, _REQUIRED)
        user = users.find(self.kwargs["username"])
        users.check_free(user, username=values.get("username"), email=values.get("email"))
        mask = self.query.get("update_mask")
        if mask is not None:
            chosen = [name.strip() for name in mask]
            unknown = [name for name in chosen if name not in values]
            if unknown:
                raise bad_request(f"Unknown update masks: {', '.join(repr(name[:100]) for name in unknown)}")
            values = {name: values[name] for name in chosen}
        names = _role_names(values)
        return user_row(users.update(user, actor=self.caller, role_names=names, **values))

    def destroy(self) -> None:
        """Delete a user."""
        users.delete(users.find(self.kwargs["username"]), actor=self.caller)


def _require(values: dict[str, Any], names: tuple[str, ...]) -> None:
    missing = {name: ["Missing data for required field."] for name in names if name not in values}
    if missing:
        raise bad_request(str(missing))


def _role_names(values: dict[str, Any]) -> list[str] | None:
    """Take the roles' names out of the values; None when no roles were sent."""
    sent = values.pop("roles", None)
    if sent is None:
        return None
    if any(not role or "name" not in role for role in sent):
        raise bad_request("Each of the roles needs a name.")
    return [role["name"] for role in sent]
