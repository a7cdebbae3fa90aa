"""The listening socket of a service, opened before anything else starts."""

import errno
import socket
from typing import Final

from samenspel.runtime.dependencies import os_reason
from samenspel.runtime.settings import ServiceSettings
from samenspel.runtime.settings_mistakes import variable_name

BACKLOG: Final = 2_048
"""Connections that wait to be accepted, as uvicorn's default."""
_REMEDIES: Final = {
    errno.EADDRINUSE: "is taken by another program: stop that program, or set another port in {port}",
    errno.EACCES: "needs a right that this user lacks: set a port above 1023 in {port}",
    errno.EADDRNOTAVAIL: "is not an address of this machine: correct {host}",
}


class AddressUnavailable(Exception):
    """The service cannot listen at the address of its settings. The text names the reason and the setting."""


def listen(settings: ServiceSettings) -> socket.socket:
    """A socket that listens at the address of the settings. Raises `AddressUnavailable`."""
    names = {"host": variable_name("http_host"), "port": variable_name("http_port")}
    try:
        family, _, _, _, address = socket.getaddrinfo(
            settings.http_host, settings.http_port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        remedy = _REMEDIES.get(error.errno or 0, "cannot be used ({reason}): correct {host} and {port}")
        text = remedy.format(**names, reason=os_reason(error))
        raise AddressUnavailable(f"port {settings.http_port} {text}") from None
