"""Hashes that werkzeug 2.2 and 3.0 wrote."""
# ruff: noqa: E501 a hash is one word

from __future__ import annotations

import pytest
from django.contrib.auth.hashers import check_password, identify_hasher

from orchestration.access.werkzeug import WerkzeugPasswordHasher

PASSWORD = "Pässword 1"
STORED = {
    "scrypt": "scrypt:32768:8:1$3vZHym8MibyO7esS$5f19cad039b1c83d166151a98c2496c81ac0b5008cd8b8e38b3535eb915437ec7755a1c9548a50ef873f96ba7d5ac8ba42a17a6747f140194d476b5facbce1cf",
    "scrypt, two at once": "scrypt:1024:8:2$bZDCBRBWps3SPs0N$3beb3b3ca0267266a88bed8dfcbed14eb128c49f74f678ee8bac106df891e55d3c7f4f8f6081fe288cd6b968c878d44b03fb95e80226f9d74a6fe34ccce6f223",
    "pbkdf2 of 2.2": "pbkdf2:sha256:260000$F2gQgKMAjsBdlWyS$12f17e55f5c9f9e7a417f93be678cdfcc2b935e09aacc286c330909e4df8ef33",
    "pbkdf2, SHA-512": "pbkdf2:sha512:1000$jpMQQi1DNoL8tmaa$b7d2dce2c9d88e0937c967c47ea806410d50ac3671d832e407d6c90a1c7afa08e5470e7e14681c3c59803d608a784f98503d34b260461957854fd3c6664503c6",
    "pbkdf2, SHA-1": "pbkdf2:sha1:1000$D8QjJt9C92aO1kvc$608501ada77e4cb357396fea92ccbf734bd4d700",
}  # fmt: skip


@pytest.mark.parametrize("stored", STORED.values(), ids=STORED)
def test_the_password_is_right_and_others_are_wrong(stored: str) -> None:
    adopted = WerkzeugPasswordHasher.adopt(stored)

    assert adopted is not None
    assert check_password(PASSWORD, adopted)
    assert not check_password("Password 1", adopted)
    assert not check_password("", adopted)


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "plain",
        "sha256$C5s6W5YgStGpnOtH$a9874a3d",
        "md5$salt$abc",
        "scrypt:32768:8:1$$5f19",
        "scrypt:32768:8:1$salt$",
        "scrypt:32768:8:1$salt$nothex",
        "scrypt:32767:8:1$salt$5f19",
        "scrypt:524288:99:99$salt$5f19",
        "scrypt:0:8:1$salt$5f19",
        "pbkdf2:sha3_256:1000$salt$5f19",
        "pbkdf2:sha256:999999999$salt$5f19",
    ],
)
def test_a_form_that_is_not_known_or_too_dear_is_refused(stored: str) -> None:
    assert WerkzeugPasswordHasher.adopt(stored) is None


def test_a_hash_that_was_tampered_with_is_never_right() -> None:
    assert not check_password(PASSWORD, "werkzeug$scrypt:524288:99:99$salt$5f19")


def test_the_hash_is_to_be_replaced_and_is_masked_when_shown() -> None:
    adopted = WerkzeugPasswordHasher.adopt(STORED["scrypt"]) or ""
    hasher = identify_hasher(adopted)

    assert hasher.must_update(adopted)
    assert "5f19cad0" not in str(hasher.safe_summary(adopted))


def test_what_it_encodes_it_verifies() -> None:
    hasher = WerkzeugPasswordHasher()
    encoded = hasher.encode(PASSWORD, hasher.salt())

    assert hasher.verify(PASSWORD, encoded)
    assert not hasher.verify("other", encoded)
