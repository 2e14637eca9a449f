"""Ports of this machine: whether one can be had, before anything is started on it."""

import errno
import socket

from config.local.errors import StoreError


def ensure_free(host: str, port: int, setting: str) -> None:
    """Refuse early when a port is taken, naming the setting that mends it; port 0 is always free.

    Raises: StoreError when another program has the port, or the address is not ours.
    """
    if port == 0:
        return
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        reasons = {
            errno.EADDRINUSE: f"port {port} is taken by another program; end it, or set {setting} to a free port",
            errno.EACCES: f"port {port} needs privileges; set {setting} to one above 1023",
            errno.EADDRNOTAVAIL: f"{host} is not an address of this machine; set CHECKOUT_HOST",
        }
        reason = reasons.get(error.errno or 0, f"cannot listen on {host}:{port} ({error.strerror})")
        raise StoreError(f"{reason[0].upper()}{reason[1:]}.") from None
