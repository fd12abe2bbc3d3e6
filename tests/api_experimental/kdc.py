"""A real MIT KDC on this machine, in a folder of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from tests.live import free_port

_CONFIG = """\
[libdefaults]
    default_realm = {realm}
    dns_lookup_realm = false
    dns_lookup_kdc = false
    dns_canonicalize_hostname = false
    rdns = false
    clockskew = {clock_skew}
    udp_preference_limit = 1
[realms]
{realms}
[domain_realm]
    localhost = {realm}
"""
_REALM = """\
    {name} = {{
        kdc = 127.0.0.1:{port}
    }}
"""
_KDC = """\
[kdcdefaults]
    kdc_listen = ""
    kdc_tcp_listen = 127.0.0.1:{port}
[realms]
    {realm} = {{
        database_name = {folder}/principal
        key_stash_file = {folder}/stash
        max_life = 1h
    }}
"""


def need_program(name: str) -> str:
    """The path of a program of MIT Kerberos; skips the test, or fails it where services are required, without it."""
    path = shutil.which(name, path=os.environ.get("PATH", "") + os.pathsep + "/usr/sbin:/sbin")
    if path is None:
        (pytest.fail if os.environ.get("REQUIRE_SERVICES") else pytest.skip)(f"{name} is not installed")
    assert path is not None
    return path


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2):
            return True
    except OSError:
        return False


class Kdc:
    """One realm. ``start`` it after ``knows`` of others; ``environment`` is for clients and servers of the realm.

    A ticket that is older than ``clock_skew`` seconds when it arrives is refused.
    """

    def __init__(self, realm: str, *, clock_skew: int = 1) -> None:
        self.realm = realm
        self._clock_skew = clock_skew
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="kdc-"))
        self.keytab = self.folder / "service.keytab"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """What points Kerberos' programs and libraries at this realm."""
        return {
            "KRB5_CONFIG": str(self.folder / "krb5.conf"),
            "KRB5_KDC_PROFILE": str(self.folder / "kdc.conf"),
            "KRB5CCNAME": f"FILE:{self.folder}/ccache",
            "KRB5RCACHENAME": f"file2:{self.folder}/replays",
        }

    def start(self, *others: Kdc) -> None:
        """Make the realm, and answer from now on."""
        realms = "".join(_REALM.format(name=kdc.realm, port=kdc.port) for kdc in (self, *others))
        (self.folder / "krb5.conf").write_text(
            _CONFIG.format(realm=self.realm, realms=realms, clock_skew=self._clock_skew)
        )
        (self.folder / "kdc.conf").write_text(_KDC.format(port=self.port, realm=self.realm, folder=self.folder))
        self.run(need_program("kdb5_util"), "create", "-s", "-r", self.realm, "-P", "master")
        self._process = subprocess.Popen(
            [need_program("krb5kdc"), "-n", "-r", self.realm],
            env={**os.environ, **self.environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        limit = time.monotonic() + 20
        while not _listens(self.port):
            assert time.monotonic() < limit, "the KDC did not start"
            time.sleep(0.05)

    def run(self, *command: str, text: str = "") -> None:
        """Run a program in this realm."""
        done = subprocess.run(
            command, input=text, text=True, capture_output=True, env={**os.environ, **self.environment}, timeout=60
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"

    def add(self, principal: str, password: str) -> None:
        """Make a principal with a password."""
        self.run(need_program("kadmin.local"), "-r", self.realm, "-q", f"addprinc -pw {password} {principal}")

    def add_service(self, principal: str) -> None:
        """Make a principal whose key is in ``keytab``."""
        admin = need_program("kadmin.local")
        self.run(admin, "-r", self.realm, "-q", f"addprinc -randkey {principal}")
        self.run(admin, "-r", self.realm, "-q", f"ktadd -k {self.keytab} {principal}")

    def sign_in(self, principal: str, password: str, *, lifetime: str = "1h") -> None:
        """Put the principal's ticket into the credential cache."""
        self.run(need_program("kinit"), "-l", lifetime, f"{principal}@{self.realm}", text=f"{password}\n")

    def sign_out(self) -> None:
        """Empty the credential cache."""
        (self.folder / "ccache").unlink(missing_ok=True)

    def stop(self) -> None:
        """End the KDC and forget the realm."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=20)
        shutil.rmtree(self.folder, ignore_errors=True)
