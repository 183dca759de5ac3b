"""`quarterdeck serve` is this small parent over one child that does the work.

A crash of the engine or the out-of-memory killer must not silence paging, so:

1. A child that ends, for whatever reason, is started again: at once when it had
   been answering, with a growing pause (to 15 s, for ever) when it never came up.
2. The next child is told since when nothing has run and why, and reports the gap.
3. SIGTERM or SIGINT let the child drain; the second one kills it.
4. A child never outlives its parent (`watch_parent`), so a killed supervisor leaves
   nobody holding the data directory.
5. A child that refuses to start (a port that is taken, a bad setting) before any
   child ever answered ends the supervisor with the same exit code.

The child is in the same process group. It says that it answers by SIGUSR1. This module
imports nothing but the standard library, and little of that, to stay small.
"""

import ctypes
import json
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

ENVIRONMENT = "QUARTERDECK_SUPERVISOR"
REFUSED = 78  # EX_CONFIG: starting again would not help
USAGE = 2
LONGEST_PAUSE = 15.0
ONE_REQUEST_SECONDS = 0.5  # `timeout` and service managers may signal a process and its group
_PR_SET_PDEATHSIG = 1
_HEARD = {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1}


def supervise(command: Sequence[str]) -> int:
    """Keep one child running `command` until told to stop; the exit code for the shell."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD)
    told: dict[str, Any] = {"pid": os.getpid(), "restarts": 0}
    ever_answered, failures = False, 0
    while True:
        child = _Child(command, told)
        status = child.wait()
        ended_ms = time.time_ns() // 1_000_000
        reason = describe(status)
        code = os.waitstatus_to_exitcode(status)
        if child.stopping:
            return 0 if code in (0, -signal.SIGTERM) else 1
        ever_answered = ever_answered or child.answered
        if not ever_answered and code in (REFUSED, USAGE):
            return code
        failures = 0 if child.answered else failures + 1
        if child.answered or "since_ms" not in told:
            told["since_ms"] = ended_ms
        told.update(restarts=told["restarts"] + 1, reason=reason)
        pause = min(LONGEST_PAUSE, 0.25 * 2.0**failures) if failures else 0.0
        _say(f"The server ended ({reason}); starting it again.", told["restarts"], pause)
        if _stop_asked_within(pause):
            return 0


class _Child:
    def __init__(self, command: Sequence[str], told: dict[str, Any]) -> None:
        self.answered = False
        self.stopping = 0.0  # when we were asked to
        environment = {**os.environ, ENVIRONMENT: json.dumps(told)}
        self._pid = os.posix_spawn(
            command[0], list(command), environment, setsigmask=(), setsigdef=_HEARD
        )

    def wait(self) -> int:
        """The wait status of the child, after passing on what we were told meanwhile."""
        while True:
            heard = signal.sigwait(_HEARD)
            if heard == signal.SIGUSR1:
                self.answered = True
            elif heard == signal.SIGCHLD:
                status = _reap(self._pid)
                if status is not None:
                    return status
            elif not self.stopping:
                self.stopping = time.monotonic()
                os.kill(self._pid, signal.SIGTERM)
            elif time.monotonic() - self.stopping > ONE_REQUEST_SECONDS:
                os.kill(self._pid, signal.SIGKILL)  # not yet reaped: the id is still its own


def _reap(pid: int) -> int | None:
    """Collect every ended child (as process 1 of a container we inherit strangers)."""
    found = None
    while True:
        try:
            ended, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if ended == 0:
            return found
        if ended == pid:
            found = status


def _stop_asked_within(seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        heard = signal.sigtimedwait(_HEARD, left)
        if heard is not None and heard.si_signo in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            return True
    return False


def describe(status: int) -> str:
    """`exit code 1` or `killed by SIGKILL`."""
    if os.WIFSIGNALED(status):
        return f"killed by {signal.Signals(os.WTERMSIG(status)).name}"
    return f"exit code {os.waitstatus_to_exitcode(status)}"


def _say(message: str, restarts: int, pause: float) -> None:
    line = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime()),
        "level": "warning",
        "logger": "quarterdeck.supervisor",
        "message": message,
        "restarts": restarts,
        "pause_seconds": pause,
    }
    sys.stderr.write(json.dumps(line) + "\n")
    sys.stderr.flush()


# The child's side.


def told_by_supervisor() -> dict[str, Any] | None:
    """What the parent said at start, or None when there is no supervisor."""
    text = os.environ.pop(ENVIRONMENT, "")
    if not text:
        return None
    told: dict[str, Any] = json.loads(text)
    return told


def watch_parent(told: Mapping[str, Any]) -> None:
    """Die with the supervisor, however it dies."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != told["pid"]:  # it went before the kernel was told
        os._exit(1)


def tell_answering(told: Mapping[str, Any]) -> None:
    """Tell the supervisor that this child answers requests."""
    if os.getppid() == told["pid"]:
        os.kill(told["pid"], signal.SIGUSR1)
