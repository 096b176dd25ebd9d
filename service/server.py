"""Running the service: uvicorn with limits, one worker, a stop that ends within seconds."""

from __future__ import annotations

import ctypes
import errno
import ipaddress
import logging
import os
import signal
import socket
import sys
import threading
from typing import Any

import uvicorn

from ingest.kb import Settings, SettingsError, load_settings
from ingest.kb.settings import MAX_PORT
from service.app import create_app
from service.logs import set_up_logs

__all__ = ["check_binding", "serve"]

_SWITCH_S = 0.001
# glibc keeps memory that was given back in up to 8 arenas a core, each with its own holes; two bound that (mallopt(3), M_ARENA_MAX).
_M_ARENA_MAX, _ARENAS = -8, 2


def check_binding(settings: Settings, host: str) -> None:
    """Refuse to be reachable from other machines without a key.

    Raises:
        SettingsError: The address is not loopback and no key is set.
    """
    try:
        local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = host == "localhost"
    if not local and not settings.api_keys:
        raise SettingsError(
            f"binding to {host} opens the service to other machines, and no key is set",
            hint='Set WENJU_API_KEYS (python -c "import secrets; print(secrets.token_urlsafe(32))" makes one), or bind 127.0.0.1.',
        )


def _bind(host: str, port: int) -> list[socket.socket]:
    """Return sockets at every address of a host.

    Raises:
        SettingsError: The port is taken, or the address is not to be had.
    """
    bound: list[socket.socket] = []
    absent: OSError | None = None
    try:
        for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE):
            # A free port is chosen once, for all addresses.
            place = (address[0], port or (bound[0].getsockname()[1] if bound else 0), *address[2:])
            try:
                bound.append(_bound(socket.socket(family, kind, protocol), place))
            except OSError as error:
                # localhost may name an address of IPv6 where there is no IPv6.
                if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                    raise
                absent = error
        if absent is not None and not bound:
            raise absent
    except OSError as error:
        for at in bound:
            at.close()
        raise _refusal(error, host, port) from error
    return bound


def _bound(at: socket.socket, place: tuple[Any, ...]) -> socket.socket:
    try:
        if os.name == "posix":
            at.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if at.family == socket.AF_INET6:
            at.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        at.bind(place)
    except OSError:
        at.close()
        raise
    return at


def _refusal(error: OSError, host: str, port: int) -> SettingsError:
    """Return what to say of an address that cannot be had."""
    if error.errno == errno.EADDRINUSE:
        other = port + 1 if port < MAX_PORT else port - 1
        return SettingsError(
            f"port {port} of {host} is taken: another program listens there, a service of Wenju perhaps",
            hint=f"Give another port (`wenju serve --port {other}`, or WENJU_SERVICE__PORT), or end the other program.",
        )
    if error.errno == errno.EACCES:
        return SettingsError(f"port {port} of {host} may not be opened: {error.strerror}", hint="Give a port of 1024 or above.")
    return SettingsError(f"{host} is no address of this machine: {error.strerror}", hint="Give another --host; 127.0.0.1 is always there.")


class _Server(uvicorn.Server):
    """Says where it listens once it does, and tells the application of a stop at once, so that streams end instead of holding it up."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if sockets and self.started:
            host, port = self.config.host, sockets[0].getsockname()[1]
            print(f"Wenju 問據: http://{f'[{host}]' if ':' in host else host}:{port}/  (API: /docs)", file=sys.stderr, flush=True)

    def handle_exit(self, sig: int, frame: object) -> None:
        app = self.config.app
        state = getattr(getattr(app, "state", None), "wenju", None)
        if state is not None:
            state.stopping.set()
        # Not uvicorn's own: it raises the signal again at the end, and a stop that was asked for is no failure.
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True


def serve(*, host: str | None = None, port: int | None = None) -> int:
    """Serve until a signal ends it; returns the exit code.

    Args:
        host: Address to bind, default the setting.
        port: Port, default the setting.
    """
    settings = load_settings()
    host, port = host or settings.service.host, port if port is not None else settings.service.port
    check_binding(settings, host)
    sockets = _bind(host, port)
    _limit_arenas()
    set_up_logs(settings)
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=max(1, int(settings.service.shutdown_s) - 1),
        timeout_keep_alive=30,
        h11_max_incomplete_event_size=65_536,
    )
    # Answering computes in threads, while one thread carries everybody's words: it must not wait Python's 5 ms for each of them.
    sys.setswitchinterval(_SWITCH_S)
    server = _Server(config)
    try:
        server.run(sockets)
    except OSError as error:
        # Another program may have begun to listen since.
        raise (_refusal(error, host, port) if not server.started else error) from error
    _leave_jobs()
    return 0 if server.started else 1


def _limit_arenas() -> None:
    """Have the C library share few arenas among all threads, unless ``MALLOC_ARENA_MAX`` says how many; other C libraries have none."""
    if "MALLOC_ARENA_MAX" not in os.environ and sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(_M_ARENA_MAX, _ARENAS)


def _leave_jobs() -> None:
    """End now if a job still waits or runs: it is published whole or not at all, so nothing is lost that was there."""
    threads = [thread for thread in threading.enumerate() if thread.name.startswith("wenju")]
    for thread in threads:
        thread.join(0.2)
    if any(thread.is_alive() for thread in threads):
        logging.getLogger("wenju.service").warning("stopped in the middle of a job; what was published before is untouched")
        logging.shutdown()
        os._exit(0)
