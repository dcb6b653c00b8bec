"""Runs the bytecode of one function over kinds of values.

One method per opcode of CPython 3.11 to 3.13; a missing one means impure.  Those for names, control
flow and calls are here, those that only compute are in `Operations`.
"""

from __future__ import annotations

import builtins
import dis
import sys
import types
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pandas_dist.udf.allowed import FROM_MODULES, TRUSTED
from pandas_dist.udf.operations import Operations
from pandas_dist.udf.plain import NOT_PLAIN, root_package
from pandas_dist.udf.values import (
    DATA,
    FRESH,
    NULL,
    SCALAR,
    VALUE,
    Kind,
    State,
    Val,
    fail,
    is_scalar,
    join,
    known,
)

if TYPE_CHECKING:
    from pandas_dist.udf.analysis import Analysis

MAX_STEPS = 50_000  # instructions interpreted per judgement; more is "too large to judge"
_END = object()  # returned by handlers after which the next instruction is not reached
# where dis.stack_effect counts otherwise: 3.11 splits a call, the generator appears on resumption
_UNCHECKED = {"RETURN_GENERATOR", *(("PRECALL", "CALL") if sys.version_info < (3, 12) else ())}


class Interpreter(Operations):
    """Runs one code object over kinds of values until nothing changes."""

    def __init__(
        self,
        analysis: Analysis,
        code: types.CodeType,
        scope: dict[str, Any],
        free: dict[str, Val],
    ) -> None:
        self.analysis = analysis
        self.code = code
        self.scope = scope
        self.free = free
        self.captured: dict[str, Val] = {}  # own variables as inner functions saw them
        self.jumps: list[tuple[int, State]] = []
        self.keyword_names: tuple[str, ...] = ()
        self.result: Val | None = None

    def run(self, names: dict[str, Val]) -> Val:
        instructions = list(dis.get_instructions(self.code))
        following = {a.offset: b.offset for a, b in pairwise(instructions)}
        by_offset = {i.offset: i for i in instructions}
        handlers: list[Any] = vars(dis.Bytecode(self.code))["exception_entries"]
        states = {instructions[0].offset: State([], dict(names))}
        todo = [instructions[0].offset]
        while todo:
            offset = todo.pop()
            state = states[offset].copy()
            self.jumps = []
            for entry in handlers:
                if entry.start <= offset < entry.end:
                    raised = [VALUE] * (2 if entry.lasti else 1)
                    self.jumps.append(
                        (entry.target, State([*state.stack[: entry.depth], *raised], state.names))
                    )
            if self.step(by_offset[offset], state) is not _END:
                self.jumps.append((following[offset], state))
            for target, reached in self.jumps:
                merged = states[target].merged(reached) if target in states else reached.copy()
                if target not in states or not merged.same(states[target]):
                    states[target] = merged
                    todo.append(target)
        return self.result or VALUE

    def step(self, ins: dis.Instruction, state: State) -> object:
        self.analysis.steps += 1
        if self.analysis.steps > MAX_STEPS:
            fail("too large to judge")
        handler = getattr(self, f"op_{ins.opname.lower()}", None)
        if handler is None:
            fail(_UNSUPPORTED.get(ins.opname, f"uses the instruction {ins.opname}"))
        before = len(state.stack)
        end = handler(ins, state)
        if end is not _END and ins.opname not in _UNCHECKED:
            arg = ins.arg if ins.opcode >= dis.HAVE_ARGUMENT else None
            if len(state.stack) - before != dis.stack_effect(ins.opcode, arg, jump=False):
                fail(f"uses the instruction {ins.opname} in a way that is not understood")
        return end

    # -- nothing to do, constants, names

    def op_nop(self, ins: Any, st: State) -> None:
        pass

    op_resume = op_make_cell = op_copy_free_vars = op_extended_arg = op_precall = op_nop
    op_cache = op_not_taken = op_nop

    def op_load_const(self, ins: Any, st: State) -> None:
        st.stack.append(Val(Kind.KNOWN, ins.argval))

    def op_return_const(self, ins: Any, st: State) -> object:
        st.stack.append(Val(Kind.KNOWN, ins.argval))
        return self.op_return_value(ins, st)

    def local(self, name: str, st: State) -> Val:
        if name not in st.names:
            fail(f"uses the variable {name} before it is set")
        return st.names[name]

    def op_load_fast(self, ins: Any, st: State) -> None:
        st.stack.append(self.local(ins.argval, st))

    op_load_fast_check = op_load_fast

    def op_load_fast_and_clear(self, ins: Any, st: State) -> None:
        st.stack.append(st.names.pop(ins.argval, NULL))

    def op_load_fast_load_fast(self, ins: Any, st: State) -> None:
        st.stack.extend(self.local(name, st) for name in ins.argval)

    def store(self, name: str, st: State) -> None:
        (val,) = st.pop(1)
        seen = self.captured.get(name)
        if seen is not None and not join(seen, val).same(seen):
            fail(f"rebinds {name}, which an inner function uses")
        if val.kind is Kind.NULL:
            st.names.pop(name, None)
        else:
            st.names[name] = val

    def op_store_fast(self, ins: Any, st: State) -> None:
        self.store(ins.argval, st)

    op_store_fast_maybe_null = op_store_fast

    def op_store_fast_load_fast(self, ins: Any, st: State) -> None:
        self.store(ins.argval[0], st)
        st.stack.append(self.local(ins.argval[1], st))

    def op_store_fast_store_fast(self, ins: Any, st: State) -> None:
        for name in ins.argval:
            self.store(name, st)

    def op_delete_fast(self, ins: Any, st: State) -> None:
        st.names.pop(ins.argval, None)

    def op_load_closure(self, ins: Any, st: State) -> None:
        st.stack.append(VALUE)

    def op_load_deref(self, ins: Any, st: State) -> None:
        free = self.free.get(ins.argval)
        st.stack.append(self.local(ins.argval, st) if free is None else free)

    def op_store_deref(self, ins: Any, st: State) -> None:
        if ins.argval in self.code.co_freevars:
            fail(f"assigns the captured variable {ins.argval}")
        self.store(ins.argval, st)

    def op_delete_deref(self, ins: Any, st: State) -> None:
        if ins.argval in self.code.co_freevars:
            fail(f"deletes the captured variable {ins.argval}")
        st.names.pop(ins.argval, None)

    def op_load_global(self, ins: Any, st: State) -> None:
        name = ins.argval
        missing = object()
        value = self.scope.get(name, missing)
        if value is missing:
            value = vars(builtins).get(name, missing)
        if value is missing:
            fail(f"uses the undefined name {name}")
        if ins.arg & 1:
            st.stack.append(NULL)
        st.stack.append(known(value, name))

    def op_import_name(self, ins: Any, st: State) -> None:
        st.pop(2)
        root = root_package(ins.argval)
        if ins.argval not in sys.modules or root not in {root_package(m) for m in FROM_MODULES}:
            fail(f"imports {ins.argval}")
        module = sys.modules[ins.argval if ins.argval in FROM_MODULES else root]
        st.stack.append(known(module, ins.argval))

    def op_import_from(self, ins: Any, st: State) -> None:
        st.stack.append(self.analysis.attribute(st.stack[-1], ins.argval))

    # -- control flow

    def op_get_iter(self, ins: Any, st: State) -> None:
        (val,) = st.pop(1)
        self.analysis.use(val)
        st.stack.append(self.element(val))

    def op_for_iter(self, ins: Any, st: State) -> None:
        # at the end 3.11 drops the iterator; later versions leave that to END_FOR
        ended = st.stack[:-1] if sys.version_info < (3, 12) else [*st.stack, VALUE]
        self.jumps.append((ins.argval, State(ended, st.names)))
        st.stack.append(st.stack[-1])

    def op_end_for(self, ins: Any, st: State) -> None:
        st.pop(2 if sys.version_info < (3, 13) else 1)

    def op_jump_forward(self, ins: Any, st: State) -> object:
        self.jumps.append((ins.argval, st))
        return _END

    op_jump_backward = op_jump_backward_no_interrupt = op_jump_forward

    def op_pop_jump_if_true(self, ins: Any, st: State) -> None:
        self.test(*st.pop(1))
        self.jumps.append((ins.argval, st))

    op_pop_jump_if_false = op_pop_jump_forward_if_true = op_pop_jump_if_true
    op_pop_jump_forward_if_false = op_pop_jump_backward_if_true = op_pop_jump_if_true
    op_pop_jump_backward_if_false = op_pop_jump_if_true

    def op_pop_jump_if_none(self, ins: Any, st: State) -> None:
        st.pop(1)
        self.jumps.append((ins.argval, st))

    op_pop_jump_if_not_none = op_pop_jump_forward_if_none = op_pop_jump_if_none
    op_pop_jump_forward_if_not_none = op_pop_jump_backward_if_none = op_pop_jump_if_none
    op_pop_jump_backward_if_not_none = op_pop_jump_if_none

    def op_jump_if_true_or_pop(self, ins: Any, st: State) -> None:
        self.test(st.stack[-1])
        self.jumps.append((ins.argval, st.copy()))
        st.pop(1)

    op_jump_if_false_or_pop = op_jump_if_true_or_pop

    def op_return_value(self, ins: Any, st: State) -> object:
        (val,) = st.pop(1)
        if val.kind is not Kind.SET:  # a caller inside may use a set; `judge` does not look
            self.analysis.use(val)
        self.result = val if self.result is None else join(self.result, val)
        return _END

    def op_return_generator(self, ins: Any, st: State) -> None:
        st.stack.append(VALUE)

    def op_yield_value(self, ins: Any, st: State) -> None:
        self.analysis.use(*st.pop(1))
        st.stack.append(VALUE)

    # -- exceptions

    def op_push_exc_info(self, ins: Any, st: State) -> None:
        st.stack.insert(-1, VALUE)

    def op_check_exc_match(self, ins: Any, st: State) -> None:
        (cls,) = st.pop(1)
        self.analysis.use(cls)
        st.stack.append(SCALAR)

    def op_load_assertion_error(self, ins: Any, st: State) -> None:
        st.stack.append(Val(Kind.KNOWN, AssertionError))

    def op_reraise(self, ins: Any, st: State) -> object:
        return _END

    def op_raise_varargs(self, ins: Any, st: State) -> object:
        self.analysis.use_all(st.pop(ins.arg), {})
        return _END

    # -- functions and calls

    def op_make_function(self, ins: Any, st: State) -> None:
        (code,) = st.pop(1)
        extra = st.pop(int(ins.arg or 0).bit_count() if sys.version_info < (3, 13) else 0)
        self.analysis.use_all(extra, {})
        st.stack.append(self.inner_function(code.value, st))

    def op_set_function_attribute(self, ins: Any, st: State) -> None:
        attribute, func = st.pop(2)
        self.analysis.use(attribute)
        st.stack.append(func)

    def inner_function(self, code: types.CodeType, st: State) -> Val:
        """Judge a function made here at once, for any arguments."""
        generator = code.co_flags & 0x20 and code.co_name == "<genexpr>"
        if code.co_flags & (0x20 | 0x80 | 0x200) and not generator:
            fail(f"{code.co_name} is a generator or a coroutine")
        free = {}
        for name in code.co_freevars:
            if name in self.free:
                free[name] = self.free[name]
                continue
            val = st.names.get(name, VALUE)
            if val.kind in DATA or is_scalar(val) or self.captured_plain(val):
                val = VALUE
            seen = self.captured.get(name, val)
            free[name] = self.captured[name] = join(seen, val)
        parameters = code.co_argcount + code.co_kwonlyargcount
        parameters += bool(code.co_flags & 4) + bool(code.co_flags & 8)
        names = dict.fromkeys(code.co_varnames[:parameters], VALUE)
        result = self.analysis.run(code, self.scope, free, names)
        return Val(Kind.FUNC, FRESH if generator else result, code.co_name)

    def captured_plain(self, val: Val) -> bool:
        return val.kind is Kind.KNOWN and self.analysis.plainness(val.value) != NOT_PLAIN

    def op_kw_names(self, ins: Any, st: State) -> None:
        self.keyword_names = self.code.co_consts[ins.arg]

    def op_call(self, ins: Any, st: State) -> None:
        names, self.keyword_names = self.keyword_names, ()
        self.called(ins.arg, names, st)

    def op_call_kw(self, ins: Any, st: State) -> None:
        (names,) = st.pop(1)
        self.called(ins.arg, names.value, st)

    def called(self, n: int, names: tuple[str, ...], st: State) -> None:
        args = st.pop(n)
        fn, args = self.callee(args, st)
        split = len(args) - len(names)
        kwargs = dict(zip(names, args[split:]))
        st.stack.append(self.analysis.call(fn, args[:split], kwargs))

    def callee(self, args: list[Val], st: State) -> tuple[Val, list[Val]]:
        """The two places under the arguments: (NULL, f), (f, NULL) or (f, first argument)."""
        a, b = st.pop(2)
        if a.kind is Kind.NULL:
            return b, args
        return (a, args) if b.kind is Kind.NULL else (a, [b, *args])

    def op_call_function_ex(self, ins: Any, st: State) -> None:
        lists = st.pop(2 if ins.arg & 1 else 1)
        self.analysis.use_all(lists, {})
        fn, first = self.callee([], st)
        if first:
            fail("calls with * or ** in a way that is not understood")
        python = fn.kind is Kind.KNOWN and type(fn.value) is types.FunctionType
        if python and root_package(fn.value.__module__) not in TRUSTED:
            st.stack.append(self.analysis.function(fn.value, None, {}))
            return
        if ins.arg & 1:
            fail("calls with ** something that is not known")  # it might hold inplace= or out=
        self.analysis.call(fn, [VALUE], {})
        st.stack.append(VALUE)


_UNSUPPORTED = {
    "STORE_GLOBAL": "assigns a global variable",
    "DELETE_GLOBAL": "deletes a global variable",
    "DELETE_ATTR": "deletes an attribute",
    "BEFORE_WITH": "uses a with statement",
    "LOAD_BUILD_CLASS": "makes a class",
}
