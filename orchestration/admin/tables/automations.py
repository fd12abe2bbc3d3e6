"""Channels, automations and the outbox: changed by their services; addresses and keys are written and never shown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse, reverse_lazy
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from orchestration.access import permissions as p
from orchestration.access.permissions import Caller, is_allowed
from orchestration.admin.tables import columns
from orchestration.admin.tables.base import ChangedTable, ShownTable
from orchestration.admin.tables.filters import DagFilter
from orchestration.errors import OrchestrationError
from orchestration.models import Automation, Delivery, NotificationChannel
from orchestration.services import automations, deliveries
from orchestration.services import notification_channels as channels
from orchestration.templatetags import desk

_KEPT: Final = "Stays as it is when nothing is typed."
_E, _A = Automation.Event, Automation.Action
#: Which fields a form shows, by the values of its choices: field of the choice → value → fields.
_OF_CHANNELS: Final = {"kind": {"webhook": ["url", "secret"], "slack": ["url"], "email": ["recipients"]}}
_OF_AUTOMATIONS: Final = {
    "event": {
        str(event): [
            *(["minutes"] if event in (_E.RUN_LONG, _E.DAG_LATE) else []),
            *(["dataset_pattern"] if event == _E.DATASET else []),
            *(["dag_pattern", "tag", "owner"] if event in automations.NARROWED else []),
        ]
        for event in _E
    },
    "action": {
        "notify": ["channel"],
        "trigger": ["target_dag_id", "target_conf"],
        "dataset_event": ["target_dataset"],
        "pause": [],
        "clear_failed": [],
    },
}


class ChannelForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """A channel; its address and its key stay when none is typed."""

    url = forms.CharField(
        required=False, label="Address", widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"})
    )
    secret = forms.CharField(
        required=False,
        strip=False,
        label="Signing key",
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text=f"16 characters or more, which the receiver knows, too. {_KEPT}",
    )

    class Meta:
        model = NotificationChannel
        fields = ("name", "kind", "url", "secret", "recipients", "description", "is_enabled")
        widgets: ClassVar = {"recipients": UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stored = self.instance.shown_target if self.instance.pk is not None and self.instance.url else ""
        self.fields["url"].help_text = (
            f"{_KEPT} Stored: {stored}" if stored else "Begins with https:// or http://, and is never shown again."
        )
        for name in ("url", "secret"):
            self.initial.pop(name, None)


class ChannelTable(ChangedTable):
    """Channels."""

    empty = "No channels yet. Automations send their messages through channels."
    form = ChannelForm
    change_form_template = "desk/tables/channel.html"
    list_display = ("name", "kind_words", "target", "is_enabled", "description")
    list_filter = ("kind", "is_enabled")
    search_fields = ("name", "description")
    search_help_text = "Name or description"
    ordering = ("name",)

    def links(self, request: HttpRequest) -> list[tuple[str, str]]:
        """To the automations and what they have sent."""
        return _links("automation", "delivery")

    @admin.display(description="kind", ordering="kind")
    def kind_words(self, obj: NotificationChannel) -> str:
        """The kind in words."""
        return str(NotificationChannel.Kind(obj.kind).label)

    @admin.display(description="leads to")
    def target(self, obj: NotificationChannel) -> str:
        """The host, or the addresses of e-mail."""
        return obj.shown_target or "–"

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """With what each kind needs, and whether it may be tried."""
        obj = context.get("original")
        can_test = obj is not None and is_allowed(request.user, p.EDIT, p.AUTOMATIONS)
        test = reverse("admin:desk_channel_test", args=(obj.pk,)) if obj is not None and can_test else ""
        context.update(shown_by=_OF_CHANNELS, channel_test=test)
        return super().render_change_form(request, context, *args, **kwargs)

    def create(self, actor: Caller, obj: NotificationChannel, values: Mapping[str, Any]) -> NotificationChannel:
        given = {name: value or None if name in ("url", "secret") else value for name, value in values.items()}
        return channels.create(actor=actor, **given)

    def update(self, actor: Caller, stored: NotificationChannel, changes: Mapping[str, Any]) -> NotificationChannel:
        kept = {name: value for name, value in changes.items() if name not in ("url", "secret") or value}
        return channels.update(stored, actor=actor, **kept)

    def remove(self, actor: Caller, stored: NotificationChannel) -> None:
        channels.delete(stored, actor=actor)


def _named(kind: str) -> dict[str, Any]:
    """A box that completes names of a kind."""
    return {"data-names": reverse_lazy("admin:desk_names", args=(kind,)), "autocomplete": "off"}


class AutomationForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """An automation; the fields that its event and action do not use are hidden by the browser."""

    target_conf = forms.CharField(
        required=False,
        label="Its configuration",
        initial="{}",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3, "spellcheck": "false"}),
        help_text="A JSON object.",
    )

    class Meta:
        model = Automation
        fields = (
            "name", "is_enabled", "event", "minutes", "dag_pattern", "tag", "owner", "dataset_pattern", "action",
            "channel", "target_dag_id", "target_conf", "target_dataset",
        )  # fmt: skip
        labels: ClassVar = {"event": "When", "action": "Then"}
        widgets: ClassVar = {
            "dag_pattern": UnfoldAdminTextInputWidget(attrs=_named("dag")),
            "tag": UnfoldAdminTextInputWidget(attrs=_named("tag")),
            "owner": UnfoldAdminTextInputWidget(attrs=_named("owner")),
            "target_dag_id": UnfoldAdminTextInputWidget(attrs=_named("dag")),
            "dataset_pattern": UnfoldAdminTextInputWidget(),
            "target_dataset": UnfoldAdminTextInputWidget(),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is not None:
            self.initial["target_conf"] = json.dumps(self.instance.target_conf or {})

    def clean_target_conf(self) -> Any:
        """The object that the text holds."""
        try:
            value = json.loads(self.cleaned_data["target_conf"] or "{}")
        except (ValueError, RecursionError):
            raise forms.ValidationError("That is no JSON. Check brackets, quotes and commas.") from None
        if not isinstance(value, dict):
            raise forms.ValidationError("Give a JSON object, such as {}.")
        return value


class AutomationTable(ChangedTable):
    """Automations."""

    empty = "No automations yet. One tells somebody of a failed run, or starts a DAG when a dataset was updated."
    form = AutomationForm
    change_form_template = "desk/tables/automation.html"
    list_display = ("name", "is_enabled", "when", "about", "then", "outbox")
    list_filter = ("event", "action", "is_enabled")
    list_select_related = ("channel",)
    search_fields = ("name", "dag_pattern", "tag", "owner")
    search_help_text = "Name, DAG id, tag or owner"
    ordering = ("name",)

    def links(self, request: HttpRequest) -> list[tuple[str, str]]:
        """To the channels and what was sent."""
        return _links("notificationchannel", "delivery")

    @admin.display(description="when", ordering="event")
    def when(self, obj: Automation) -> str:
        """The event in words."""
        words = str(_E(obj.event).label)
        if obj.event == _E.RUN_LONG:
            return words.replace("…", f"{obj.minutes} min")
        return f"{words} (by {obj.minutes} min)" if obj.event == _E.DAG_LATE else words

    @admin.display(description="of")
    def about(self, obj: Automation) -> str:
        """Which DAGs or datasets."""
        parts = [obj.dag_pattern if obj.dag_pattern != "*" else ""]
        parts += [f"tag {obj.tag}" if obj.tag else "", f"owner {obj.owner}" if obj.owner else "", obj.dataset_pattern]
        return ", ".join(part for part in parts if part) or "all"

    @admin.display(description="then", ordering="action")
    def then(self, obj: Automation) -> str:
        """The action in words, with its target."""
        target = {
            _A.NOTIFY: str(obj.channel or ""),
            _A.TRIGGER: obj.target_dag_id,
            _A.DATASET_EVENT: obj.target_dataset,
        }
        words = str(_A(obj.action).label)
        return f"{words}: {target[_A(obj.action)]}" if obj.action in target else words

    @admin.display(description="outbox")
    def outbox(self, obj: Automation) -> SafeString:
        """Leads to what it has sent and done."""
        address = reverse("admin:orchestration_delivery_changelist")
        return format_html('<a class="desk-link" href="{}?automation__id__exact={}">Deliveries</a>', address, obj.pk)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """With what each event and action needs."""
        context.update(shown_by=_OF_AUTOMATIONS)
        return super().render_change_form(request, context, *args, **kwargs)

    def create(self, actor: Caller, obj: Automation, values: Mapping[str, Any]) -> Automation:
        return automations.create(actor=actor, **values)

    def update(self, actor: Caller, stored: Automation, changes: Mapping[str, Any]) -> Automation:
        return automations.update(stored, actor=actor, **changes)

    def remove(self, actor: Caller, stored: Automation) -> None:
        automations.delete(stored, actor=actor)


#: The colours of deliveries' states are those of task instances.
_COLOURS: Final = {"pending": "queued", "delivered": "success", "failed": "failed"}


class DeliveryTable(ShownTable):
    """The outbox of automations, newest first."""

    empty = "Nothing was sent or done yet."
    dag_path = "dag_id"
    is_live = True
    is_history = True
    list_display = (
        columns.moment("created_at", "when", sorts=False),
        "automation_name",
        "state_words",
        "about",
        columns.dag_link(),
        "attempts",
        columns.short("last_answer", "last answer"),
        columns.moment("next_try_at", "next try", sorts=False),
    )
    list_display_links = ("automation_name",)
    sortable_by = ()
    list_filter = ("state", "event", "action", DagFilter)
    search_fields = ("automation_name", "dag_id", "run_id", "subject")
    search_help_text = "Automation, DAG or run"
    ordering = ("-id",)
    actions: ClassVar = ("resend",)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Also the deliveries of one automation, whose row leads here."""
        return lookup == "automation__id__exact" or bool(super().lookup_allowed(lookup, value, request))

    def links(self, request: HttpRequest) -> list[tuple[str, str]]:
        """To the automations and channels."""
        return _links("automation", "notificationchannel")

    @admin.display(description="state")
    def state_words(self, obj: Delivery) -> SafeString:
        """The state as a coloured dot with its name."""
        return format_html(
            '<span class="state"><span class="state-dot {}" aria-hidden="true"></span>{}</span>',
            desk.state_class(_COLOURS.get(obj.state)),
            Delivery.State(obj.state).label,
        )

    @admin.display(description="about")
    def about(self, obj: Delivery) -> SafeString:
        """What is told, all of it where the pointer rests."""
        text = str((obj.payload or {}).get("summary") or obj.subject)
        cut = text if len(text) <= columns.SHORT else f"{text[: columns.SHORT]}…"
        return format_html('<span class="desk-cut" title="{}">{}</span>', text[:2000], cut)

    def has_resend_permission(self, request: HttpRequest) -> bool:
        """Whether the caller may change automations."""
        return is_allowed(request.user, p.EDIT, p.AUTOMATIONS)

    @admin.action(description="Send again", permissions=["resend"])
    def resend(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        """Queue the ticked ones once more; what is refused is told."""
        done = 0
        for delivery in queryset.order_by("pk"):
            try:
                deliveries.resend(delivery, actor=request.user, now=timezone.now())
                done += 1
            except OrchestrationError as error:
                self.message_user(request, error.detail or error.title or "That was refused.", messages.ERROR)
        if done:
            self.message_user(request, f"{done} will be sent again.", messages.SUCCESS)


def _links(*names: str) -> list[tuple[str, str]]:
    titles = {"automation": "Automations", "notificationchannel": "Channels", "delivery": "Deliveries"}
    return [(titles[name], reverse(f"admin:orchestration_{name}_changelist")) for name in names]


#: Each model's table.
TABLES: Mapping[type[Model], type[ShownTable]] = {
    NotificationChannel: ChannelTable,
    Automation: AutomationTable,
    Delivery: DeliveryTable,
}
