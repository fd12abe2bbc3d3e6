"""Hiding secrets in structures, texts, log records and exceptions."""

from __future__ import annotations

import base64
import io
import json
import logging

import pytest

from orchestration.authoring import secrets


@pytest.mark.parametrize(
    ("name", "is_secret"),
    [
        ("password", True), ("PASSWORD", True), ("my_passwd_x", True), ("api_key", True), ("apikey", True),
        (" Secret ", True), ("access_token", True), ("tokens", True), ("passphrase", True), ("authorization", True),
        ("private_key", True), ("keyfile_dict", True), ("service_account", True), ("user", False), ("key", False),
        ("auth", False), ("", False), (None, False), (5, False), ("pass", False),
    ],
)  # fmt: skip
def test_which_names_look_secret(name, is_secret):
    assert secrets.should_hide_value_for_key(name) is is_secret


def test_further_words_are_configured_and_all_can_be_switched_off(monkeypatch):
    monkeypatch.setenv("AIRFLOW__CORE__SENSITIVE_VAR_CONN_NAMES", "pin, CODE")
    assert secrets.should_hide_value_for_key("my_pin")
    assert secrets.should_hide_value_for_key("the code")
    monkeypatch.setenv("AIRFLOW__CORE__HIDE_SENSITIVE_VAR_CONN_FIELDS", "False")
    assert not secrets.should_hide_value_for_key("password")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("has s3cr3t! in", "has *** in"),
        ("none", "none"),
        ({"password": "x", "a": {"token": ["q", 1]}}, {"password": "***", "a": {"token": ["***", 1]}}),
        ({"a": {"token": [{"z": "y"}]}}, {"a": {"token": [{"z": "***"}]}}),
        (["s3cr3t!", ("s3cr3t!", 1)], ["***", ("***", 1)]),
        ({"password": 5}, {"password": 5}),
        (5, 5),
        (None, None),
    ],
)  # fmt: skip
def test_structures_are_walked(value, shown):
    secrets.mask_secret("s3cr3t!")
    assert secrets.redact(value) == shown


def test_a_structure_that_holds_itself_ends():
    value: dict = {}
    value["self"] = value
    secrets.redact(value)


def test_a_name_hides_the_whole_value():
    assert secrets.redact("text", "password") == "***"
    assert secrets.redact(["a", 1], "token") == ["***", 1]
    assert secrets.redact("text", "name") == "text"


def test_only_values_under_secret_names_are_taken_from_a_mapping():
    secrets.mask_secret({"a": "visible", "nested": {"password": "hidden-1"}, "list": [{"api_key": "hidden-2"}]})
    secrets.mask_secret("not-taken", "user")
    assert secrets.redact("visible hidden-1 hidden-2 not-taken") == "visible *** *** not-taken"


def test_json_texts_are_walked_when_their_name_is_not_secret():
    secrets.mask_secret(json.dumps({"db": {"password": "deep-1"}, "x": "y"}), "settings")
    assert secrets.redact("deep-1 y") == "*** y"
    secrets.mask_secret("{broken", "settings")


@pytest.mark.parametrize("form", ["plain", "url", "json", "repr", "base64"])
def test_a_secret_is_found_in_other_forms(form):
    secret = 'p@"ss\\word\n1'
    secrets.mask_secret(secret)
    from urllib.parse import quote

    text = {
        "plain": secret,
        "url": quote(secret, safe=""),
        "json": json.dumps(secret)[1:-1],
        "repr": repr(secret)[1:-1],
        "base64": base64.b64encode(secret.encode()).decode(),
    }[form]
    assert secrets.redact(f"<{text}>").startswith("<***")


def test_a_longer_secret_is_hidden_before_a_shorter_one_within_it():
    secrets.mask_secret(["abc", "abcdef"])
    assert secrets.redact("abcdef abc") == "*** ***"


@pytest.mark.parametrize("nothing", ["", None, "   ", [], {}])
def test_nothing_is_no_secret(nothing):
    secrets.mask_secret(nothing)
    assert secrets.redact("a   b") == "a   b"


def test_a_log_record_loses_its_secrets_everywhere():
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(secrets.masker())
    logger = logging.getLogger("tests.secrets")
    logger.propagate = False
    logger.addHandler(handler)
    secrets.mask_secret("hunter-22")
    try:
        logger.error("message hunter-22 %s %s", "argument hunter-22", {"k": "hunter-22"})
        try:
            try:
                raise KeyError("inner hunter-22")
            except KeyError as inner:
                raise ValueError("outer hunter-22") from inner
        except ValueError:
            logger.exception("with a trace")
    finally:
        logger.removeHandler(handler)
    text = stream.getvalue()
    assert "hunter" not in text.replace('raise KeyError("inner hunter-22")', "").replace(
        'raise ValueError("outer hunter-22")', ""
    )
    assert text.count("***") >= 5


def test_a_stream_redacts_what_passes():
    target = io.StringIO()
    secrets.mask_secret("hunter-22")
    print("say hunter-22", file=secrets.RedactedIO(target))
    assert target.getvalue() == "say ***\n"
