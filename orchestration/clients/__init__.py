"""How commands reach the system: through the database of this machine, or through a remote server's API.

``[cli] api_client`` says which, by Airflow's names of the modules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestration.conf import ConfigError, conf

if TYPE_CHECKING:
    from orchestration.clients.base import Client

_LOCAL = "airflow.api.client.local_client"
_REMOTE = "airflow.api.client.json_client"


def is_remote() -> bool:
    """Whether commands go through a server. Raises ConfigError for a client that is not known."""
    name = conf.get("cli", "api_client")
    if name not in {_LOCAL, _REMOTE}:
        raise ConfigError(f"[cli] api_client is {name!r}. Set it to {_LOCAL} or {_REMOTE}.")
    return name == _REMOTE


def current() -> Client:
    """The client that the options choose."""
    if is_remote():
        from orchestration.clients.remote import RemoteClient  # neither loads what the other needs

        return RemoteClient.configured()
    from orchestration.clients.local import LocalClient

    return LocalClient()
