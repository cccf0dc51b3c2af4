"""Profiles: which plans a database offers, how it is reached, and when it counts as ready."""

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
    embed_mode: str
    tcp_port: int
    migration: str
    service: str
    readiness_requires: tuple[str, ...]
    liveness_interval_sec: int
    verticals: tuple[str, ...]
    plans: dict[str, str]  # plan id → liq source


def load(name: str) -> Profile:
    """Read a profile by its name."""
    path = _PROFILES / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in _PROFILES.glob("*.toml")))
        raise LisError(f"unknown profile {name!r}; there are: {known}")
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    head, hosting = data["profile"], data["hosting"]
    return Profile(
        name=head["name"],
        embed_mode=head["embed_mode"],
        tcp_port=head["tcp_port"],
        migration=head["migration"],
        service=hosting["service"],
        readiness_requires=tuple(hosting["readiness_requires"]),
        liveness_interval_sec=hosting["liveness_interval_sec"],
        verticals=tuple(vertical["id"] for vertical in data["vertical"]),
        plans={plan["name"]: plan["liq"] for plan in data["plan"]},
    )
