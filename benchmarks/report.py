"""The benchmark's report as Markdown."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log
from statistics import mean, median

from benchmarks.worker import BY_HAND, DROP_IN, PLAIN, Engine

Outcomes = dict[int, dict[Engine, "Outcome"]]


@dataclass(frozen=True)
class Outcome:
    """The repeats of one query on one engine; `problem` is "" if every answer was right."""

    seconds: tuple[float, ...]
    problem: str = ""

    @property
    def median(self) -> float | None:
        return median(self.seconds) if self.seconds and not self.problem else None

    def short(self) -> str:
        return "FAILED" if self.median is None else f"{self.median:.2f}s"


@dataclass(frozen=True)
class Report:
    """What was measured: `outcomes` holds an Outcome per query and engine."""

    title: str
    facts: list[str]
    backends: list[str]
    outcomes: Outcomes

    def all_right(self) -> bool:
        """Whether pandas_dist gave pandas' answer to every query on every backend."""
        return all(self._right(backend) == len(self.outcomes) for backend in self.backends)

    def markdown(self) -> str:
        """The report: a table for each backend, then what failed and why."""
        parts = [f"# {self.title}\n", "\n".join(f"- {fact}" for fact in self.facts)]
        parts += [self._section(backend) for backend in self.backends]
        failures = self._failures()
        if failures:
            parts.append("## Failures\n\n" + "\n\n".join(failures))
        return "\n\n".join(parts).replace("\n\n\n", "\n\n") + "\n"

    def _right(self, backend: str) -> int:
        engine = Engine(DROP_IN, backend)
        return sum(not outcome[engine].problem for outcome in self.outcomes.values())

    def _section(self, backend: str) -> str:
        plain, ours, hand = Engine(PLAIN), Engine(DROP_IN, backend), Engine(BY_HAND, backend)
        head = ["query", "pandas", f"pandas_dist on {backend}", f"{backend} by hand"]
        head += ["pandas / pandas_dist", "pandas_dist / by hand"]
        faster, slower, rows = [], [], []
        for query, outcomes in self.outcomes.items():
            medians = [_median(outcomes, engine) for engine in (plain, ours, hand)]
            ratios = [_ratio(medians[0], medians[1]), _ratio(medians[1], medians[2])]
            faster.append(ratios[0])
            slower.append(ratios[1])
            rows.append([f"{query}", *map(_number, medians), *map(_number, ratios)])
        means = [_geometric_mean(faster), _geometric_mean(slower)]
        rows.append(["geometric mean of ratios", "", "", "", *map(_number, means)])
        lines = [head, ["---", *["--:"] * 5], *rows]
        table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
        right = f"{self._right(backend)}/{len(self.outcomes)}"
        return (
            f"## {backend}\n\nSame answer as pandas (values, dtypes, index, order), without any"
            f" fallback: **{right}**.\n\n{table}"
        )

    def _failures(self) -> list[str]:
        return [
            f"### Query {query}, {engine}\n\n```text\n{outcome.problem.strip()[-3000:]}\n```"
            for query, outcomes in self.outcomes.items()
            for engine, outcome in outcomes.items()
            if outcome.problem
        ]


def _median(outcomes: dict[Engine, Outcome], engine: Engine) -> float | None:
    return outcomes[engine].median if engine in outcomes else None


def _ratio(numerator: float | None, denominator: float | None) -> float | None:
    return numerator / denominator if numerator and denominator else None


def _geometric_mean(ratios: list[float | None]) -> float | None:
    logarithms = [log(ratio) for ratio in ratios if ratio]
    return exp(mean(logarithms)) if logarithms else None


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"  # noqa: RUF001 - a dash for "no value"
