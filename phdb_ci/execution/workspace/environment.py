"""The environment of a job: empty, then an allow-list from outside, the harness's own settings, the matrix's.

Pure: the caller's environment comes in as a mapping. A variable of the caller that is not on the list
(a mock switch, a data directory, `CFLAGS`, a token) never reaches a job.
"""

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from phdb_ci.models.matrix import Job
from phdb_ci.models.placeholders import expand

ALLOWED = frozenset({
    "PATH", "LANG", "LANGUAGE", "TZ",
    "http_proxy", "https_proxy", "no_proxy", "all_proxy",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS", "PIP_CERT",
    "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_TRUSTED_HOST", "PIP_DEFAULT_TIMEOUT",
    "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX", "UV_FIND_LINKS", "UV_HTTP_TIMEOUT",
    "npm_config_registry", "NPM_CONFIG_REGISTRY", "npm_config_cafile", "NPM_CONFIG_CAFILE",
})  # fmt: skip
QUIET = {
    "CI": "true", "LC_ALL": "C.UTF-8" if sys.platform == "linux" else "en_US.UTF-8",
    "TERM": "dumb", "NO_COLOR": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_NO_INPUT": "1", "PIP_ROOT_USER_ACTION": "ignore", "UV_NO_CONFIG": "1", "UV_NO_PROGRESS": "1",
    # By default a job's packages are hard links: what it writes into one, all later jobs would import.
    "UV_LINK_MODE": "copy",
    "npm_config_audit": "false", "npm_config_fund": "false", "npm_config_update_notifier": "false",
}  # fmt: skip
SECRET_NAME = re.compile(
    r"TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|API_?KEY|ACCESS_?KEY|CREDENTIAL|PRIVATE|_PAT$", re.IGNORECASE
)


def outside(caller: Mapping[str, str]) -> dict[str, str]:
    """What may come in from the caller; PATH without the harness's own environment."""
    allowed = {name: value for name, value in caller.items() if name in ALLOWED or name.startswith("LC_")}
    allowed["PATH"] = clean_path(caller.get("PATH", ""))
    return allowed


def clean_path(path: str) -> str:
    """PATH without the harness's own environment, and without what a checkout could fill (`.`, `bin`)."""
    ours = {str(Path(sys.prefix) / "bin"), str(Path(sys.executable).parent)} if sys.prefix != sys.base_prefix else set()
    folders = [folder for folder in path.split(":") if folder.startswith("/") and folder not in ours]
    return ":".join(folders) or "/usr/local/bin:/usr/bin:/bin"


def downloads(cache: Path) -> dict[str, str]:
    """The caches that all jobs share, so that an own HOME does not make every job cold."""
    root = cache / "downloads"
    return {"PIP_CACHE_DIR": str(root / "pip"), "UV_CACHE_DIR": str(root / "uv"), "npm_config_cache": str(root / "npm")}


def secrets(caller: Mapping[str, str]) -> tuple[str, ...]:
    """Values of the caller's environment that must not show in logs: tokens by name, passwords inside URLs.

    In a URL a long user name without a password is a token, and a password may stand behind the `?`.
    """
    hidden = {value for name, value in caller.items() if SECRET_NAME.search(name) and len(value) >= 6}
    for value in caller.values():
        if "://" in value and ("@" in value or "?" in value):
            hidden |= {part for part in _passwords(value) if len(part) >= 4}
    return tuple(sorted(hidden))


def _passwords(value: str) -> list[str]:
    passwords = []
    for word in value.split():
        try:
            url = urlsplit(word, allow_fragments=False)
        except ValueError:
            continue
        if url.password:
            passwords += [url.password, unquote(url.password)]
        elif url.username and len(url.username) >= 16:
            passwords.append(url.username)
        for pair in url.query.split("&"):
            name, _, secret = pair.partition("=")
            if SECRET_NAME.search(unquote(name)):
                passwords += [secret, unquote(secret)]
    return passwords


def job_environment(
    job: Job, root: Path, values: Mapping[str, str], cache: Path, caller: Mapping[str, str]
) -> dict[str, str]:
    """The environment of all commands of a job whose directory is `root`; `values` are those of its placeholders."""
    env = outside(caller) | QUIET | downloads(cache)
    env |= {"HOME": str(root / "home"), "TMPDIR": str(root / "tmp")}
    if job.uses_python:
        venv = root / "venv"
        env |= {"VIRTUAL_ENV": str(venv), "PATH": f"{venv / 'bin'}:{env['PATH']}"}
    return env | {name: expand(value, values) for name, value in job.env.items()}


def base_python() -> str:
    """The interpreter below the environment that the harness runs in; job environments are made from it."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    candidate = Path(sys.base_prefix) / "bin" / name
    return str(candidate if candidate.exists() else Path(sys.executable).resolve())


def python_commands(job: Job, root: Path, cwd: Path) -> list[list[str]]:
    """The uv command lines that make the Python environment of a job that runs in `cwd`; none when it needs none."""
    if not job.uses_python:
        return []
    from uv import find_uv_bin

    uv, venv = find_uv_bin(), str(root / "venv")
    commands = [[uv, "venv", "--quiet", "--no-project", "--python", base_python(), venv]]
    install = [uv, "pip", "install", "--quiet", "--python", str(root / "venv" / "bin" / "python")]
    if job.lock:
        commands.append([*install, "--require-hashes", "--requirements", str(cwd / job.lock)])
    if job.python:
        commands.append([*install, *job.python])
    return commands
