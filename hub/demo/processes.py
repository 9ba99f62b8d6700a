"""Keeps the processes of a running hub alive: starts them, starts again what died, stops all of them."""

import json
import os
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psutil

#: Seconds a process has to end by itself after SIGTERM.
GRACE = 15.0


class Processes:
    """Named processes, each with its log file; ``pids.json`` says who they are."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder, self.environment = folder, {**os.environ, **environment}
        self.commands: dict[str, list[str]] = {}
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.restarts = 0
        self.stopping = threading.Event()
        folder.mkdir(parents=True, exist_ok=True)
        self.end_leftovers()

    def start(self, name: str, command: list[str]) -> None:
        """Start one process; from now on it is kept alive."""
        self.commands[name] = command
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(  # noqa: S603 - our own commands
                command, env=self.environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
            )
        started = {name: [process.pid, _born(process.pid)] for name, process in self.running.items()}
        (self.folder / "pids.json").write_text(json.dumps(started))

    def run(self, command: list[str]) -> None:
        """Run something to its end in the same surroundings; raises ``CalledProcessError`` when it fails."""
        subprocess.run(command, check=True, env=self.environment)  # noqa: S603 - our own commands

    def end_leftovers(self) -> None:
        """End what a killed demo of this folder left running: same process number, same time of birth."""
        file = self.folder / "pids.json"
        if not file.exists():
            return
        for pid, born in json.loads(file.read_text()).values():
            if born and _born(pid) == born:
                with suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)

    def watch(self) -> threading.Thread:
        """Start again whatever dies, until ``stop``."""
        thread = threading.Thread(target=self._watch, daemon=True, name="watch-processes")
        thread.start()
        return thread

    def _watch(self) -> None:
        while not self.stopping.wait(0.5):
            for name, process in list(self.running.items()):
                if process.poll() is not None and not self.stopping.is_set():
                    # What it started may have outlived it (a killed worker's children).
                    _signal_group(process, signal.SIGKILL)
                    self.restarts += 1
                    self.start(name, self.commands[name])

    def stop(self) -> None:
        """Stop all, politely first."""
        self.stopping.set()
        for process in self.running.values():
            process.terminate()
        deadline = time.monotonic() + GRACE
        for process in self.running.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, deadline - time.monotonic()))
            # What is left of it now, itself or its children, was asked and did not go.
            _signal_group(process, signal.SIGKILL)
            process.wait()


def _born(pid: int) -> float:
    """Return when the process began, 0 when there is none."""
    try:
        return psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return 0.0


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return


def free_port(wanted: int = 0) -> int:
    """Return the wanted port of loopback if it is free, else any free one."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("No free port on 127.0.0.1.")


def wait_until_up(address: str, seconds: float = 60.0) -> None:
    """Wait until a process answers 200 at this address of loopback; raises ``TimeoutError``."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(address, timeout=2):  # noqa: S310 - our own loopback address
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise TimeoutError(f"Nothing answers at {address}; see the logs beside pids.json.")
