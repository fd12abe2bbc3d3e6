"""``kerberos``: a ticket for tasks, renewed before it expires."""

from __future__ import annotations

import argparse
import shutil
import socket
import subprocess
import time

from orchestration.conf import conf
from orchestration.errors import Forbidden, Unavailable
from orchestration.management import background

_LIFETIME = "3600m"
#: Seconds between renewals where the options do not say.
_RENEW_SECONDS = 3600


def renew(args: argparse.Namespace) -> None:
    """Get a ticket from the keytab into ``kerberos.ccache`` again and again, or once."""
    if args.one_time:
        _kinit(args)
        return
    with background.running("kerberos", {**vars(args), "pid_file": args.pid}):
        while True:
            _kinit(args)
            time.sleep(conf.getint("kerberos", "reinit_frequency", _RENEW_SECONDS))


def _kinit(args: argparse.Namespace) -> None:
    """Run kinit. Raises Unavailable without it, Forbidden where the KDC or the keytab refuses."""
    program = shutil.which(conf.get("kerberos", "kinit_path", "kinit"))
    if program is None:
        raise Unavailable("kinit is not installed. On Debian: apt-get install krb5-user")
    principal = args.principal or conf.get("kerberos", "principal")
    if "/" not in principal and "@" not in principal:
        principal = f"{principal}/{socket.getfqdn()}"
    keytab = args.keytab or str(conf.path("kerberos", "keytab"))
    command = [program, "-f", "-r", _LIFETIME, "-k", "-t", keytab, "-c", conf.get("kerberos", "ccache"), principal]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode != 0:
        raise Forbidden(f"kinit for {principal} ended with {done.returncode}: {done.stderr.strip()}")
    print(f"Renewed the ticket of {principal} in {conf.get('kerberos', 'ccache')}", flush=True)
