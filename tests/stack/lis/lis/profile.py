"""Profiles: which plans a database offers, and how it is reached."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from .errors import LisError

_PROFILES = Path(__file__).resolve().parent.parent / "profiles"


@dataclass(frozen=True)
class Profile:
    """One file of profiles/."""

    name: str
    tcp_port: int
    plans: dict[str, str]  # plan id → liq source


def load(name: str) -> Profile:
    """Read a profile by its name."""
    path = _PROFILES / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in _PROFILES.glob("*.toml")))
        raise LisError(f"unknown profile {name!r}; there are: {known}")
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    profile = Profile(name, data["tcp_port"], data["plans"])
    if profile.tcp_port:
        raise LisError(
            f"profile {name!r} wants TCP port {profile.tcp_port}: only embedded databases are supported"
        )
    return profile
