"""Runs a node: one process, or on PostgreSQL several that share a socket. A stop lets what has begun end."""

from __future__ import annotations

import atexit
import fcntl
import gc
import importlib
import logging
import os
import shutil
import signal
import socket
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors.multiprocess import Multiprocess

from sealane.errors import InputError, StoreError
from sealane.node.context import Node
from sealane.node.jobs import Job, Jobs, jobs_of
from sealane.node.logs import configure_logs
from sealane.node.open import open_node, warn_about_root
from sealane.node.settings import NodeSettings, read_settings

LOCK_FILE = "serve.lock"
NODE_FOLDER = "SEALANE_NODE"  # how worker processes are told the folder
_APPLICATION = "_SEALANE_APPLICATION"  # and what to serve
INTERFACE = "sealane.node.app:create_app"
MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"
KEEP_ALIVE_S = 75
# Requests end first, then jobs; each has this share of the time for stopping.
_REQUESTS_SHARE = 0.5
_LOG = logging.getLogger(__name__)


def serve(folder: Path, environ: Mapping[str, str] | None = None, *, application: str = INTERFACE) -> None:
    """Serve until SIGTERM or SIGINT; returns after everything that had begun has ended or the time for it is over.

    Parameters
    ----------
    folder : the node's folder.
    environ : the environment, ``os.environ`` when not given.
    application : what to serve, ``module:function``; the function takes the node and ``lifespan``. The interface alone
        by default; `sealane node serve` names the one with pages.

    Raises
    ------
    DataError, InputError
        When folder or settings cannot be used, or another process serves this folder.
    StoreError
        When the database or the port cannot be had.
    """
    environ = os.environ if environ is None else environ
    settings = read_settings(folder, environ)
    configure_logs(settings.log_level)
    with _only_one(folder), open_node(folder, environ=environ) as node:
        warn_about_root()
        if settings.workers > 1 and node.database.is_sqlite:
            raise InputError(
                f"workers is {settings.workers}, but SQLite takes one writing process. Set workers to 1, or give the"
                " node a PostgreSQL database by SEALANE_DATABASE_URL."
            )
        with _listening(settings) as listener:
            _LOG.info(
                "serving",
                extra={
                    "participant": settings.participant,
                    "origin": settings.origin,
                    "address": "{}:{}".format(*listener.getsockname()[:2]),
                    "database": node.database.safe_url,
                    "workers": settings.workers,
                },
            )
            if settings.workers == 1:
                _serve_here(node, listener, application)
            else:
                _serve_in_workers(folder, settings, listener, application)
    _LOG.info("stopped")


def _serve_here(node: Node, listener: socket.socket, application: str) -> None:
    app = _creator(application)(node, lifespan=_with_jobs)
    with _signals_only_stop():
        server = uvicorn.Server(server_config(app, node.settings))
        try:
            server.run(sockets=[listener])
        except SystemExit:  # how the server says that the application did not start
            raise StoreError("The node could not begin to serve; the log says why.") from None


def _creator(application: str) -> Callable[..., FastAPI]:
    module, _, function = application.partition(":")
    found: Callable[..., FastAPI] = getattr(importlib.import_module(module), function)
    return found


def _serve_in_workers(folder: Path, settings: NodeSettings, listener: socket.socket, application: str) -> None:
    counters = tempfile.mkdtemp(prefix="sealane-metrics-")
    os.environ[MULTIPROCESS] = counters
    os.environ[NODE_FOLDER] = str(folder.resolve())
    os.environ[_APPLICATION] = application
    listener.set_inheritable(True)
    try:
        config = server_config("sealane.node.serve:worker_app", settings)
        with _signals_only_stop():
            supervisor = Multiprocess(config, sockets=[listener])
            watch = threading.Thread(target=_kill_late_workers, args=(supervisor, settings), daemon=True)
            watch.start()
            supervisor.run()
    finally:
        shutil.rmtree(counters, ignore_errors=True)


def worker_app() -> FastAPI:
    """Make the application of one worker process; the server calls it in each."""
    folder = Path(os.environ[NODE_FOLDER])
    configure_logs(read_settings(folder, os.environ).log_level)
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    node = open_node(folder)
    try:
        return _creator(os.environ[_APPLICATION])(node, lifespan=_with_jobs)
    except Exception:
        node.close()
        _LOG.exception("this worker cannot serve")
        raise SystemExit(STARTUP_FAILURE) from None


def server_config(app: FastAPI | str, settings: NodeSettings) -> uvicorn.Config:
    """Return the server's configuration for these settings."""
    return uvicorn.Config(
        app,
        factory=isinstance(app, str),
        workers=settings.workers,
        loop="asyncio",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        # Nothing is taken from X-Forwarded-*: signatures are checked against the configured origin.
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=max(1, int(settings.stop_timeout_s * _REQUESTS_SHARE)),
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
    )


def keep_loaded() -> None:
    """Take what is loaded out of garbage collection: it stays until the process ends.

    A full collection looks at each object of the loaded libraries and halts all threads: 0.1 to 0.2 s were seen.
    """
    gc.collect()
    gc.freeze()
    atexit.register(gc.unfreeze)  # else libraries complain at the end of what was not cleaned up


@asynccontextmanager
async def _with_jobs(app: FastAPI) -> AsyncIterator[None]:
    """Run the jobs while the application serves."""
    node: Node = app.state.node
    # The application may bring work of its own: rows of (name, setting that holds the period, function).
    more = (Job(name, getattr(node.settings, period), run) for name, period, run in getattr(app.state, "work", ()))
    jobs = Jobs(node, (*jobs_of(node), *more), app.state.metrics)
    keep_loaded()
    jobs.start()
    yield
    begun = time.monotonic()
    if not jobs.stop(node.settings.stop_timeout_s * (1 - _REQUESTS_SHARE)):
        _LOG.warning("jobs were cut off after %.1f s; what they had not committed is undone", time.monotonic() - begun)


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; the system gives it up when the process dies."""
    descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise InputError(
                f"{folder}: process {lock.read().strip() or '?'} serves this node already. Stop it first."
            ) from None
        lock.truncate()
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def serving_process(folder: Path) -> int | None:
    """Return the id of the process that serves a folder, None where there is none."""
    try:
        with (folder / LOCK_FILE).open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                text = lock.read().strip()
                return int(text) if text.isdigit() else 0
    except FileNotFoundError:
        return None
    return None


@contextmanager
def _listening(settings: NodeSettings) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # A socket made by hand lacks what asyncio sets on its own: without it an answer on a kept connection waits
        # some 40 ms for the acknowledgement of its head. Accepted sockets inherit it.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            listener.bind((settings.host, settings.port))
        except OSError as error:
            raise StoreError(
                f"The node cannot listen on {settings.host}:{settings.port}: {error.strerror}. Free the port, or choose"
                " another by host and port in node.toml (SEALANE_HOST, SEALANE_PORT)."
            ) from None
        yield listener


@contextmanager
def _signals_only_stop() -> Iterator[None]:
    """Let SIGTERM and SIGINT end the server and nothing more: it raises them again when it has stopped."""
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _kill_late_workers(supervisor: Multiprocess, settings: NodeSettings) -> None:
    supervisor.should_exit.wait()
    time.sleep(settings.stop_timeout_s + 2)
    for process in supervisor.processes:
        process.kill()


def _end_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)
