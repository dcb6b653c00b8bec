"""Task graphs on Ray: chains are fused into one task, frames stay in the object store.

What comes here is copied out of the store: memory of the store cannot be written to.
"""

from __future__ import annotations

import itertools
import pickle
import warnings
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Any

import cloudpickle
import numpy as np
from dask.delayed import Delayed
from dask.task_spec import GraphNode, Task, TaskRef

from pandas_dist.backends.dask.parts import Call
from pandas_dist.backends.modin import session
from pandas_dist.plan.execute import local_mode

_held = itertools.count()


class Held(Call):
    """An object in Ray's store, freed when nobody refers to it any more."""

    __slots__ = ("ref",)

    def __init__(self, ref: Any) -> None:
        key = f"held-{next(_held)}"
        super().__init__(Task(key, _nothing), ())
        self.ref = ref


def _nothing() -> None:
    raise AssertionError("an object of Ray's store is never computed")


class Client:
    """What the lowering asks of a cluster, as Dask's client gives it."""

    status = "running"

    def compute(self, tasks: Sequence[Delayed]) -> list[Any]:
        """Starts the tasks; their results, packed to be brought here."""
        wanted = [Call(Task(f"{t.key}-packed", _pack, TaskRef(t.key)), (t,)) for t in tasks]
        return _submitted(wanted)

    def gather(self, refs: Sequence[Any]) -> list[Any]:
        """The packed results; the first error is raised as it was in the task."""
        return [_unpack(*packed) for packed in get(refs)]

    def ncores(self) -> dict[str, int]:
        """The processors of each node."""
        import ray

        session.connect()
        return {n["NodeID"]: int(n["Resources"].get("CPU", 0)) for n in ray.nodes() if n["Alive"]}

    def persist(self, tasks: Sequence[Delayed]) -> list[Delayed]:
        """The tasks, started; their results stay in the store."""
        return [Held(ref) for ref in _submitted(tasks)]


def put(value: Any) -> Held:
    """A value, brought to the store once."""
    import ray

    session.connect()
    return Held(ray.put(value))


def get(refs: Sequence[Any]) -> list[Any]:
    """Objects of the store; errors as they were raised, and clear ones for what Ray lost.

    ConnectionError where a worker or the cluster went away, MemoryError where memory ran out.
    """
    import ray
    from ray import exceptions

    try:
        return list(ray.get(list(refs)))
    except exceptions.OutOfMemoryError as error:
        raise MemoryError(f"a Ray worker ran out of memory: {error}") from error
    except exceptions.ObjectStoreFullError as error:
        raise MemoryError(f"Ray's object store is full: {error}") from error
    except exceptions.RayTaskError as error:
        cause = error.cause
        if isinstance(cause, exceptions.RayError):
            raise _lost(cause) from error
        raise cause from None
    except (exceptions.RayError, ConnectionError) as error:
        raise _lost(error) from error


def _lost(error: BaseException) -> ConnectionError:
    from ray import exceptions

    anew = ""
    if isinstance(error, exceptions.LocalRayletDiedError) and session.leave():
        anew = " Ray has ended with it, and the next operation starts another."
    return ConnectionError(f"Ray lost a part of the computation: {error}{anew}")


def _submitted(tasks: Sequence[Delayed]) -> list[Any]:
    """One Ray task for each chain of a graph; the results' references."""
    session.connect()
    graph, refs = _graph_of(tasks)
    results = [task.key for task in tasks]
    users = Counter(dep for node in graph.values() for dep in node.dependencies)
    users.update(results)
    chains: dict[Any, tuple[GraphNode, ...]] = {}
    for key in _ordered(graph, results):
        node = graph[key]
        computed = [dep for dep in node.dependencies if dep not in refs]
        # A node with a single input joins it, unless somebody else wants that too.
        only = computed[0] if len(computed) == 1 and users[computed[0]] == 1 else None
        before = chains.pop(only) if only in chains else ()
        chains[key] = (*before, node)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "More than 10MB of messages", UserWarning)
        return _run(chains, refs, results)


def _run(
    chains: dict[Any, tuple[GraphNode, ...]], refs: dict[Any, Any], results: Sequence[Any]
) -> list[Any]:
    for key, nodes in chains.items():
        inside = {node.key for node in nodes}
        outside = sorted({d for node in nodes for d in node.dependencies if d not in inside})
        refs[key] = _remote().remote(nodes, outside, *(refs[d] for d in outside))
    return [refs[key] for key in results]


@cache
def _remote() -> Any:
    import ray

    return ray.remote(_evaluate)


def _evaluate(nodes: Sequence[GraphNode], names: Sequence[Any], *inputs: Any) -> Any:
    """In a worker: the nodes one after the other; the last one's value."""
    values = dict(zip(names, inputs))
    with local_mode():
        for node in nodes:
            values[node.key] = node({d: values[d] for d in node.dependencies})
    return values[nodes[-1].key]


def _graph_of(tasks: Sequence[Delayed]) -> tuple[dict[Any, GraphNode], dict[Any, Any]]:
    """All nodes that are to be computed, and the references of those that are held."""
    graph: dict[Any, GraphNode] = {}
    refs: dict[Any, Any] = {}
    stack = list(tasks)
    while stack:
        task = stack.pop()
        if task.key in graph or task.key in refs:
            continue
        if isinstance(task, Held):
            refs[task.key] = task.ref
        elif isinstance(task, Call):
            graph[task.key] = task.task
            stack.extend(task.inputs)
        else:
            graph.update(task.__dask_graph__())
    return graph, refs


def _ordered(graph: dict[Any, GraphNode], results: Sequence[Any]) -> list[Any]:
    """Keys of the graph, inputs before those that use them, depth first."""
    done: dict[Any, None] = {}
    stack = [(key, False) for key in reversed(results)]
    while stack:
        key, leaving = stack.pop()
        if leaving:
            done[key] = None
        elif key in graph and key not in done:
            stack.append((key, True))
            stack.extend((dep, False) for dep in graph[key].dependencies)
    return list(done)


def _pack(value: Any) -> tuple[bytes, list[np.ndarray]]:
    """A value, and the memory that it refers to as arrays of bytes."""
    buffers: list[pickle.PickleBuffer] = []
    data = cloudpickle.dumps(value, protocol=5, buffer_callback=buffers.append)
    return data, [np.asarray(b.raw()) for b in buffers]


def _unpack(data: bytes, buffers: Sequence[np.ndarray]) -> Any:
    return pickle.loads(data, buffers=[b.copy() for b in buffers])
