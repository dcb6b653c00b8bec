"""The benchmark's report as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp, log
from statistics import mean, median

from benchmarks.worker import BY_HAND, DROP_IN, FIREDUCKS, PLAIN, Engine

Outcomes = dict[int, dict[Engine, "Outcome"]]


@dataclass(frozen=True)
class Outcome:
    """The repeats of one query on one engine.

    problem : "" unless the query failed, did not finish or gave a wrong answer
    finished : False if it was stopped or killed, or had not enough memory
    checked : False if plain pandas has no answer to compare with
    alike : the values are pandas', whatever the dtypes, the index and the order of ties
    by_hand : where pandas has no answer, whether the values are those of the query by hand;
        None if that is not known
    """

    seconds: tuple[float, ...]
    problem: str = ""
    finished: bool = True
    checked: bool = True
    alike: bool = True
    by_hand: bool | None = None

    @property
    def median(self) -> float | None:
        """Median of the seconds; None unless the answer was right, as far as can be told."""
        return self.elapsed if not self.problem else None

    @property
    def elapsed(self) -> float | None:
        """Median of the seconds, even of a wrong answer."""
        return median(self.seconds) if self.seconds else None

    @property
    def right(self) -> bool:
        return self.checked and not self.problem

    def short(self) -> str:
        if not self.finished:
            return "did not finish"
        if self.elapsed is None:
            return "failed"
        return f"{self.elapsed:.2f}" + (" (wrong)" if self.problem else "")


@dataclass(frozen=True)
class Report:
    """What was measured: `outcomes` holds an Outcome per query and engine."""

    title: str
    facts: list[str]
    backends: list[str]
    outcomes: Outcomes

    def all_right(self) -> bool:
        """Whether pandas_dist gave pandas' answer to every query that pandas could answer.

        False if there was none.
        """
        compared = any(outcome.checked for outcome in self._of(Engine(PLAIN)))
        return compared and all(
            self._accepted(Engine(DROP_IN, backend)) for backend in self.backends
        )

    def markdown(self) -> str:
        """The report: a table for each backend, then what failed and why."""
        parts = [f"# {self.title}\n", "\n".join(f"- {fact}" for fact in self.facts)]
        parts += [self._section(backend) for backend in self.backends]
        parts += [self._fireducks(engine) for engine in self._engines(FIREDUCKS)]
        failures = self._failures()
        if failures:
            parts.append("## Failures\n\n" + "\n\n".join(failures))
        return "\n\n".join(parts).replace("\n\n\n", "\n\n") + "\n"

    def _engines(self, kind: str) -> list[Engine]:
        found = {engine for outcomes in self.outcomes.values() for engine in outcomes}
        return sorted((engine for engine in found if engine.kind == kind), key=str)

    def _of(self, engine: Engine) -> list[Outcome]:
        return [outcomes[engine] for outcomes in self.outcomes.values()]

    def _accepted(self, engine: Engine) -> bool:
        # Not finishing is no fault where pandas did not finish either; an exception is.
        return all(
            outcome.by_hand is not False
            and (not outcome.problem or not (outcome.checked or outcome.finished))
            for outcome in self._of(engine)
        )

    def _count(self, engine: Engine) -> str:
        """For example "22/22", or "20/20 (pandas finished 20 of 22)"."""
        comparable = sum(outcome.checked for outcome in self._of(engine))
        right = sum(outcome.right for outcome in self._of(engine))
        total = len(self.outcomes)
        note = "" if comparable == total else f" (pandas finished {comparable} of {total})"
        return f"**{right}/{comparable}**{note}"

    def _section(self, backend: str) -> str:
        plain, ours, hand = Engine(PLAIN), Engine(DROP_IN, backend), Engine(BY_HAND, backend)
        head = ["query", "pandas", f"pandas_dist on {backend}", f"{backend} by hand"]
        head += ["pandas / pandas_dist", "pandas_dist / by hand"]
        ratios, rows = [], []
        for query, outcomes in self.outcomes.items():
            medians = [_median(outcomes, engine) for engine in (plain, ours, hand)]
            ratios.append((_ratio(medians[0], medians[1]), _ratio(medians[1], medians[2])))
            cells = [_cell(outcomes, engine) for engine in (plain, ours, hand)]
            rows.append([f"{query}", *cells, *map(_number, ratios[-1])])
        rows.append(_means(ratios, 3))
        return (
            f"## {backend}\n\nSame answer as pandas (values, dtypes, index, order), without any"
            f" fallback: {self._count(ours)}.{self._unchecked(ours)}\n\n{_table(head, rows)}"
        )

    def _unchecked(self, ours: Engine) -> str:
        """How the answers to which pandas has none compare with those by hand."""
        known = [o.by_hand for o in self._of(ours) if o.by_hand is not None]
        if not known:
            return ""
        return (
            " Where pandas did not finish, the same values as the query by hand (dtypes, index and"
            f" the order of ties left open): **{sum(known)}/{len(known)}**."
        )

    def _fireducks(self, ducks: Engine) -> str:
        """FireDucks' times, those of its wrong answers included."""
        ours = [Engine(DROP_IN, backend) for backend in self.backends]
        head = ["query", "pandas", *map(str, ours), "fireducks", "pandas / fireducks"]
        head += [f"fireducks / {engine}" for engine in ours]
        ratios, rows = [], []
        for query, outcomes in self.outcomes.items():
            theirs = outcomes[ducks].elapsed
            ratio = [_ratio(_median(outcomes, Engine(PLAIN)), theirs)]
            ratio += [_ratio(theirs, _median(outcomes, engine)) for engine in ours]
            ratios.append(tuple(ratio))
            cells = [_cell(outcomes, engine) for engine in (Engine(PLAIN), *ours, ducks)]
            rows.append([f"{query}", *cells, *map(_number, ratio)])
        rows.append(_means(ratios, len(ours) + 2))
        alike = sum(outcome.checked and outcome.alike for outcome in self._of(ducks))
        kind = "in a notebook: without a script's file" if ducks.backend else "a script"
        return (
            f"## FireDucks, as {kind}\n\nSame answer as pandas: {self._count(ducks)}; same values,"
            f" with dtypes, index and the order of ties left open: {alike}.\n\n{_table(head, rows)}"
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


def _cell(outcomes: dict[Engine, Outcome], engine: Engine) -> str:
    return outcomes[engine].short() if engine in outcomes else _number(None)


def _ratio(numerator: float | None, denominator: float | None) -> float | None:
    return numerator / denominator if numerator and denominator else None


def _means(ratios: Sequence[tuple[float | None, ...]], empty: int) -> list[str]:
    means = [_geometric_mean(column) for column in zip(*ratios)]
    return ["geometric mean of ratios", *[""] * empty, *map(_number, means)]


def _geometric_mean(ratios: Iterable[float | None]) -> float | None:
    logarithms = [log(ratio) for ratio in ratios if ratio]
    return exp(mean(logarithms)) if logarithms else None


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"  # noqa: RUF001 - a dash for "no value"
