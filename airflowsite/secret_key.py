"""The key that signs sessions and tokens."""

from __future__ import annotations

import secrets

from orchestration.conf import ConfigError, conf

#: Keys printed in manuals and sample files: whoever has read them can sign.
KNOWN_SAMPLES = frozenset(
    {
        "temporary_key",
        "{SECRET_KEY}",
        "secret",
        "changeme",
        "cannot_be_empty",
        "a25mQ1FHTUh3MnFRSk5KMEIyVVU2YmN0VGRTYTVXY08=",
    }
)
MINIMUM_LENGTH = 16


def secret_key() -> str:
    """``webserver.secret_key``, or the one kept in ``$AIRFLOW_HOME/secret.key`` (made at first start, mode 0600).

    Raises ConfigError for a key that is short or known from a sample.
    """
    key = conf.get("webserver", "secret_key")
    if not key:
        return conf.kept_key("secret.key", lambda: secrets.token_urlsafe(48).encode())
    if key in KNOWN_SAMPLES or len(key) < MINIMUM_LENGTH:
        raise ConfigError(
            "[webserver] secret_key is short or known from a sample, so anybody could sign in. "
            "Make one with: python -c 'import secrets; print(secrets.token_urlsafe(48))', or leave it empty."
        )
    return key
