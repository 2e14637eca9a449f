"""Run as a script between the launcher and a child: what must be done in the child before its program starts.

Arguments: parent pid, death signal, mode (`plain`, `namespace`, `nobody` or `probe`), then the command. The pid
stays the same, because the program replaces this script.

- The child asks the kernel to signal it when its parent dies, so that a SIGKILL of the parent leaves no orphan.
- `namespace`: Postgres refuses to run as root; in a user namespace of its own root is not root, and no user has to
  be added to the machine. `nobody` is for kernels that forbid that.

Source: prctl(2) PR_SET_PDEATHSIG, user_namespaces(7). Started with `python -I -S`: only the standard library.
"""

import ctypes
import os
import pwd
import sys

CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1
REFUSED = 97
ORPHANED = 98


def _enter_namespace(libc: ctypes.CDLL, inside_id: int) -> bool:
    """Become `inside_id` in a new user namespace; outside it stays the caller's own user."""
    uid, gid = os.getuid(), os.getgid()
    if libc.unshare(CLONE_NEWUSER) != 0:
        return False
    try:
        for name, text in (
            ("setgroups", "deny"),
            ("uid_map", f"{inside_id} {uid} 1"),
            ("gid_map", f"{inside_id} {gid} 1"),
        ):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)
    except OSError:
        return False
    return True


def main(arguments: list[str]) -> int:
    """Prepare this process and become the program; returns only when that is refused."""
    parent, death_signal, mode, command = int(arguments[0]), int(arguments[1]), arguments[2], arguments[3:]
    libc = ctypes.CDLL(None, use_errno=True)
    if mode in {"namespace", "probe"} and not _enter_namespace(libc, 65534):
        return REFUSED
    if mode == "probe":
        return 0
    if mode == "nobody":
        nobody = pwd.getpwnam("nobody")
        os.setgroups([])
        os.setgid(nobody.pw_gid)
        os.setuid(nobody.pw_uid)
    # After every change of user: such a change clears it.
    libc.prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
    if os.getppid() != parent:
        return ORPHANED
    os.execv(command[0], command)
    return REFUSED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
