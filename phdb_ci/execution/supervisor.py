"""Runs one command and leaves nothing of it behind. Started by process.py.

    python -I -S -c "... from supervisor import main ..." RESULT_FD   (as a module it is compiled once)

The request comes on standard input as one line of JSON; so does the result go to RESULT_FD. It starts once per
command, so it is small on purpose and imports the standard library alone, what isolation needs only when it is
asked for. On Linux it makes itself a subreaper (prctl(2), PR_SET_CHILD_SUBREAPER), so that a child which forks,
calls setsid and forks again is still found below it; elsewhere it has the process group alone. Standard input
stays open for as long as the harness lives: when it closes, by a cancel or by the harness being killed,
everything that the command started is ended, TERM first, then KILL, until nothing is left. With `isolate` the
command sees a network namespace with loopback alone (unshare(2)).
"""

import ctypes
import json
import os
import select
import signal
import sys
import time

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
PR_SET_CHILD_SUBREAPER = 36
PF_EXITING = 0x4
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1
LINUX = sys.platform == "linux"
SETTLE = 2.0  # seconds that a process which is only told of the command's end gets to end by itself
NAMING = 0.2  # seconds after which a child that was just forked has the name of its program, and not of its shell
CODES: dict[int, int] = {}  # exit codes; of the first that had an id, as ids come again
SHOWN = 100  # names of what was left behind; more would fill the pipe that the result goes through


def main(result_fd: int) -> None:
    """Read the request, run the command, write the result as one line of JSON to `result_fd`."""
    os.set_inheritable(result_fd, False)
    request = json.loads(_read_line())
    for fd in request["hold"]:
        os.set_inheritable(fd, False)  # locks: held here until the end, never by the command
    become_subreaper()
    network = "open"
    if request["isolate"]:
        network = "isolated" if _isolate() else "unenforced"
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_read, False)
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)  # the harness decides, through the lifeline
    started = time.monotonic()
    child = _start(request)
    stopped = _watch(child, started + request["timeout"], wake_read)
    left = [] if stopped else _left()
    if left:
        time.sleep(NAMING)
        left = _left() or left  # which of them it is does not matter any more; what it is called does
    names = _sweep(child, settle=0.0 if stopped or left else SETTLE, grace=request["grace"])
    code = CODES.get(child, -signal.SIGKILL)
    result = {
        "exit": code if code >= 0 else 128 - code, "stopped": stopped,
        "leftovers": left or names,
        "seconds": time.monotonic() - started, "network": network,
    }  # fmt: skip
    os.write(result_fd, json.dumps(result).encode() + b"\n")
    os._exit(0)  # there is nothing to tidy up


def _read_line() -> bytes:
    """The request: all that comes before a line end; the harness sends nothing behind it."""
    line = b""
    while not line.endswith(b"\n"):
        chunk = os.read(0, 1 << 20)
        if not chunk:
            sys.exit(0)  # the harness died before it sent a request
        line += chunk
    return line


def become_subreaper() -> None:
    """Let orphans below this process become its children (Linux alone)."""
    if LINUX:
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _isolate() -> bool:
    """Enter a network namespace with loopback up, with or without root. False where that is not allowed.

    A child tries it first: some systems give the namespace and then refuse what makes it usable (AppArmor on
    Ubuntu 24.04), and this process could not leave it again.
    """
    if not LINUX:
        return False
    probe = os.fork()
    if probe == 0:
        refused = 1
        try:
            refused = 0 if _enter_network() else 1
        finally:
            os._exit(refused)
    return os.waitpid(probe, 0)[1] == 0 and _enter_network()


def _enter_network() -> bool:
    """Make the namespace and bring loopback up. False, or OSError, where that is refused."""
    import fcntl
    import socket
    import struct

    libc = ctypes.CDLL(None, use_errno=True)
    uid, gid = os.getuid(), os.getgid()
    if libc.unshare(CLONE_NEWNET) != 0:
        if libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0:
            return False
        for path, text in (("uid_map", f"{uid} {uid} 1"), ("setgroups", "deny"), ("gid_map", f"{gid} {gid} 1")):
            with open(f"/proc/self/{path}", "w") as file:  # noqa: PTH123 - pathlib would double the start-up time
                file.write(text)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = struct.pack("16sH14x", b"lo", 0)
        flags = struct.unpack("16sH14x", fcntl.ioctl(sock, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | IFF_UP))
    return True


def _start(request: dict[str, object]) -> int:
    """Fork the command into a session and process group of its own, with no standard input."""
    argv, env, cwd = request["argv"], request["env"], request["cwd"]
    assert isinstance(argv, list)  # noqa: S101 - the request is made by process.py alone
    assert isinstance(env, dict)  # noqa: S101
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.chdir(str(cwd))
        os.execvpe(argv[0], argv, env)  # noqa: S606 - the command line is the matrix's
    except (OSError, ValueError) as error:  # ValueError: a NUL in an argument
        os.write(2, f"phdb-ci: cannot start {argv[0]}: {error}\n".encode(errors="replace"))
    finally:
        os._exit(127)


def _watch(child: int, deadline: float, wake: int) -> str | None:
    """Wait for the end of the command's own process; what came before that: the time limit, the end of the lifeline."""
    while True:
        _reap()
        if child in CODES:
            return None
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            return "timeout"
        ready, _, _ = select.select([0, wake], [], [], remaining)
        if wake in ready:
            os.read(wake, 4096)
        if 0 in ready and not os.read(0, 4096):
            return "cancelled"


def _reap() -> None:
    """Collect every process that has ended."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        CODES.setdefault(pid, os.waitstatus_to_exitcode(status))


def _descendants() -> list[int]:
    """Every live process below this one (proc(5), task/TID/children); on other systems none are known."""
    pids = children(os.getpid())
    for pid in pids:  # which grows meanwhile
        pids += children(pid)
    return pids


def children(pid: int) -> list[int]:
    """The children of a process, by all of its threads; none where there is no /proc."""
    try:
        tasks = os.listdir(f"/proc/{pid}/task")  # noqa: PTH208 - see _isolate
    except OSError:
        return []
    return [int(word) for task in tasks for word in _proc(pid, f"task/{task}/children").split()]


def _proc(pid: int, name: str) -> str:
    """A file below /proc/PID (proc(5)): a process is named by any bytes; "" when it, or the thread, has ended."""
    try:
        with open(f"/proc/{pid}/{name}", errors="replace") as file:  # noqa: PTH123
            return file.read()
    except OSError:
        return ""


def _name(pid: int) -> str:
    return _proc(pid, "comm").strip()[:32] or "?"


def _left() -> list[str]:
    """The names of what runs on after the command has ended; how quickly it would end by itself does not matter.

    A process that reads from a pipe which nobody can write to any more (tee behind a script, a helper that watches its
    parent) has been told of the end, and one that is exiting is at its end: they are waited for.
    """
    pids = _descendants()
    files = {pid: _files(pid) for pid in pids}
    written = {name for mine in files.values() for name, reads in mine if not reads}
    return sorted(
        _name(pid)
        for pid, mine in files.items()
        if not _exiting(pid)
        and not any(reads and name.startswith("pipe:") and name not in written for name, reads in mine)
    )[:SHOWN]


def _exiting(pid: int) -> bool:
    """Whether a process is on its way out, or gone (proc(5), stat: the kernel's flags)."""
    fields = _proc(pid, "stat").rpartition(")")[2].split()
    return not fields or bool(int(fields[6]) & PF_EXITING)


def _files(pid: int) -> list[tuple[str, bool]]:
    """The open files of a process (proc(5)), each with whether it is open for reading alone."""
    files = []
    try:
        for number in os.listdir(f"/proc/{pid}/fd"):  # noqa: PTH208 - see _isolate
            flags = _proc(pid, f"fdinfo/{number}").partition("flags:")[2].split()
            name = os.readlink(f"/proc/{pid}/fd/{number}")  # noqa: PTH115
            files.append((name, bool(flags) and int(flags[0], 8) & os.O_ACCMODE == os.O_RDONLY))
    except OSError:
        return files
    return files


def _alive(group: int) -> list[int]:
    """What is left of the command: descendants on Linux, else the process group as a whole."""
    if LINUX:
        return _descendants()
    try:
        os.killpg(group, 0)
    except OSError:
        return []
    return [-group]


def _sweep(child: int, *, settle: float, grace: float) -> list[str]:
    """End everything that is left; returns the names of what had to be ended, the first SHOWN of them."""
    _wait_until_gone(child, settle)
    alive = _alive(child)
    names = sorted(_name(pid) if pid > 0 else "process group" for pid in alive)[:SHOWN]
    for number, patience in ((signal.SIGTERM, grace), (signal.SIGKILL, 1.0), (signal.SIGKILL, 10.0)):
        if not alive:
            break
        for pid in alive:
            _kill(pid, number)
        _wait_until_gone(child, patience, again=signal.SIGKILL if number == signal.SIGKILL else None)
        alive = _alive(child)
    return names


def _kill(pid: int, number: int) -> None:
    try:
        if pid < 0:
            os.killpg(-pid, number)
        else:
            os.kill(pid, number)
            if number == signal.SIGTERM:
                os.kill(pid, signal.SIGCONT)  # a stopped process would never see the TERM
    except OSError:
        pass


def _wait_until_gone(child: int, patience: float, *, again: int | None = None) -> None:
    """Reap until nothing is left or patience (seconds) is over; `again`: a signal for what newly appears."""
    deadline = time.monotonic() + patience
    pause = 0.001
    while True:
        _reap()
        alive = _alive(child)
        if not alive or time.monotonic() >= deadline:
            return
        if again is not None:
            for pid in alive:
                _kill(pid, again)
        time.sleep(pause)
        pause = min(pause * 2, 0.02)
