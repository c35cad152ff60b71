"""Holds a PostgreSQL server for as long as its owner lives, then stops it and removes its folder.

    python postgresql_watch.py OWNER_PID FOLDER ACCOUNT POSTGRES [ARGUMENT ...]

Standard input is a pipe from the owner: its end, also by SIGKILL of the owner, ends the server. ACCOUNT is the user
the server runs as, or ``-`` for the present one.
"""

import ctypes
import os
import pwd
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path

POLL_S = 1.0
STOP_S = 10.0
PR_SET_PDEATHSIG = 1


def die_with_the_watch() -> None:
    """Ask the kernel (Linux) to stop the server should this process be killed."""
    try:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)
    except (OSError, AttributeError):
        return


def demote(account: str) -> None:
    """Become the account; runs in the child between fork and exec."""
    if account != "-":
        entry = pwd.getpwnam(account)
        os.setgroups([])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
    die_with_the_watch()  # after setuid, which clears the request


def main() -> int:
    """Run the server until the owner is gone."""
    owner, folder, account = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    # An interrupt at the terminal reaches the whole group; the owner decides when to stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    stopping = [False]

    def stop(*_: object) -> None:
        stopping[0] = True

    signal.signal(signal.SIGTERM, stop)
    with (folder / "server.log").open("ab") as log:
        server = subprocess.Popen(
            sys.argv[4:],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
            start_new_session=True,
            preexec_fn=lambda: demote(account),  # noqa: PLW1509  # this process has one thread
        )
    code = 0
    while not stopping[0]:
        if server.poll() is not None:
            code = 1
            break
        ready, _, _ = select.select([sys.stdin], [], [], POLL_S)
        if (ready and not os.read(sys.stdin.fileno(), 1)) or os.getppid() != owner:
            break
    for sign in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):  # fast, immediate, by force
        if server.poll() is not None:
            break
        server.send_signal(sign)
        try:
            server.wait(STOP_S)
        except subprocess.TimeoutExpired:
            continue
    if code == 0:
        shutil.rmtree(folder, ignore_errors=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
