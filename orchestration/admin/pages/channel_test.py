"""The button that sends a test through a channel, as it is stored."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404

from orchestration.access import permissions as p
from orchestration.access.permissions import EDIT, Pair
from orchestration.admin.pages.base import Page, Verb
from orchestration.models import NotificationChannel
from orchestration.services import notification_channels as channels


class ChannelTest(Verb):
    """Sends one message now; the service writes the audit log."""

    event = "notification_channel.test"
    pairs = (Pair(EDIT, p.AUTOMATIONS),)
    is_logged = False

    def act(self, body: dict[str, Any]) -> Any:
        """Whether it went, and what was answered."""
        channel = get_object_or_404(NotificationChannel, pk=self.kwargs["pk"])
        answer = channels.test(channel, actor=self.request.user)
        return {"is_good": answer.is_good, "message": answer.text}


PAGES: tuple[tuple[str, str, type[Page]], ...] = (("channels/<int:pk>/test", "desk_channel_test", ChannelTest),)
