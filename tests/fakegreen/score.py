"""Results → what was caught and missed, which alarms were false, and what plain signs say of the same. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.fakegreen.corpus import Case
from tests.fakegreen.plain import Sign


@dataclass(frozen=True)
class Result:
    """What was said of one case: by phdb-ci, by its exit codes, by its reports."""

    case: Case
    status: str
    reasons: tuple[str, ...]
    green: bool  # whether the verdict was `pass`
    exit_code: Sign = "-"
    junit: Sign = "-"
    seconds: float = 0.0

    @property
    def fault(self) -> str | None:
        """What is wrong with phdb-ci's answer; None when it is the one that the case must get."""
        case = self.case
        if self.status != case.status:
            told = f": {'; '.join(self.reasons)}" if self.reasons else ""
            return f"{self.status} instead of {case.status}{told}"
        if self.green != case.honest:
            return f"{self.status}, and the verdict is {'green' if self.green else 'not green'}"
        if not any(case.reason in reason for reason in self.reasons or ("",)):
            return f"{self.status} for another reason than {case.reason!r}: {'; '.join(self.reasons)}"
        return None

    @property
    def word(self) -> str:
        """The answer in one word or two."""
        if self.fault is None:
            return "kept green" if self.case.honest else "caught"
        return "FALSE ALARM" if self.case.honest else "MISSED"


@dataclass(frozen=True)
class Plain:
    """What a plain sign says: fakes that it calls green, honest variants that it calls red, and where it is silent."""

    fakes_green: int
    fakes_silent: int
    honest_red: int
    honest_silent: int

    @classmethod
    def of(cls, signs: Iterable[tuple[bool, Sign]]) -> "Plain":
        """Count pairs of `honest` and sign."""
        kept = tuple(signs)
        return cls(
            fakes_green=kept.count((False, "green")),
            fakes_silent=kept.count((False, "-")),
            honest_red=kept.count((True, "red")),
            honest_silent=kept.count((True, "-")),
        )


@dataclass(frozen=True)
class Score:
    """The sums of a run."""

    fakes: int
    caught: int
    honest: int
    false_alarms: int
    exit_code: Plain
    junit: Plain

    @property
    def missed(self) -> int:
        """Fakes that were not caught, or got another status or reason than they must."""
        return self.fakes - self.caught

    @property
    def clean(self) -> bool:
        """All caught, no false alarm."""
        return not self.missed and not self.false_alarms


def score(results: Sequence[Result]) -> Score:
    """Add up."""
    honest = [result for result in results if result.case.honest]
    fakes = [result for result in results if not result.case.honest]
    return Score(
        fakes=len(fakes),
        caught=sum(result.fault is None for result in fakes),
        honest=len(honest),
        false_alarms=sum(result.fault is not None for result in honest),
        exit_code=Plain.of((result.case.honest, result.exit_code) for result in results),
        junit=Plain.of((result.case.honest, result.junit) for result in results),
    )
