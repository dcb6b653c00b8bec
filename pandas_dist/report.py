"""What ran where in this process: execution counts and fallbacks."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Counters:
    """Running totals; ``fallbacks`` maps (method, reason) to the number of calls."""

    executions: int = 0
    fallbacks: dict[tuple[str, str], int] = field(default_factory=dict)

    def reset(self) -> None:
        self.executions = 0
        self.fallbacks.clear()


counters = Counters()


def summary() -> str:
    """A table of the fallbacks so far, most frequent first."""
    lines = [f"pandas_dist: {counters.executions} engine executions"]
    if not counters.fallbacks:
        return lines[0] + ", no fallbacks"
    lines.append("fallbacks to local pandas:")
    for (method, reason), calls in sorted(counters.fallbacks.items(), key=lambda kv: -kv[1]):
        lines.append(f"  {calls:5d} x {method}: {reason}")
    return "\n".join(lines)
