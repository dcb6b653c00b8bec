"""The opcodes that compute: the stack, operators, items, attributes and containers."""

from __future__ import annotations

import sys
import types
from typing import TYPE_CHECKING, Any

from pandas_dist.udf.values import (
    FRESH,
    NULL,
    SCALAR,
    SET,
    VALUE,
    Kind,
    State,
    Val,
    describe,
    fail,
    is_scalar,
    is_set,
)

if TYPE_CHECKING:
    from pandas_dist.udf.analysis import Analysis


class Operations:
    """A base of `Interpreter`: handlers that need nothing but the stack and the analysis."""

    analysis: Analysis

    # -- the stack

    def op_pop_top(self, ins: Any, st: State) -> None:
        st.pop(1)

    op_pop_except = op_pop_top

    def op_push_null(self, ins: Any, st: State) -> None:
        st.stack.append(NULL)

    def op_copy(self, ins: Any, st: State) -> None:
        st.stack.append(st.stack[-ins.arg])

    def op_swap(self, ins: Any, st: State) -> None:
        st.stack[-1], st.stack[-ins.arg] = st.stack[-ins.arg], st.stack[-1]

    # -- operators

    def op_unary_negative(self, ins: Any, st: State) -> None:
        (val,) = st.pop(1)
        self.analysis.use(val)
        st.stack.append(SCALAR if is_scalar(val) else FRESH)

    op_unary_invert = op_unary_positive = op_unary_negative

    def test(self, val: Val) -> None:
        """A truth test: of anything whose __bool__ is known."""
        if not (is_set(val) or val.kind is Kind.FUNC):
            self.analysis.use(val)

    def op_unary_not(self, ins: Any, st: State) -> None:
        self.test(*st.pop(1))
        st.stack.append(SCALAR)

    op_to_bool = op_unary_not

    def op_binary_op(self, ins: Any, st: State) -> None:
        a, b = st.pop(2)
        if ins.argrepr == "[]":  # from 3.14 on; harmless before
            st.stack.append(self.analysis.subscript(a, b))
        else:
            st.stack.append(self.analysis.binary(ins.argrepr, a, b))

    def op_compare_op(self, ins: Any, st: State) -> None:
        a, b = st.pop(2)
        for val in (a, b):
            if not is_set(val):
                self.analysis.use(val)
        st.stack.append(SCALAR if is_scalar(a) and is_scalar(b) else FRESH)

    def op_contains_op(self, ins: Any, st: State) -> None:
        item, container = st.pop(2)
        self.analysis.use(item)
        if not is_set(container):
            self.analysis.use(container)
        st.stack.append(SCALAR)

    def op_is_op(self, ins: Any, st: State) -> None:
        for val in st.pop(2):
            if val.kind is Kind.KNOWN and not is_scalar(val):
                fail(f"compares identity with {describe(val)}")
        st.stack.append(SCALAR)

    def op_get_len(self, ins: Any, st: State) -> None:
        self.test(st.stack[-1])
        st.stack.append(SCALAR)

    def op_format_value(self, ins: Any, st: State) -> None:
        for val in st.pop(2 if ins.arg & 4 else 1):
            self.analysis.use(val)
        st.stack.append(SCALAR)

    def op_format_simple(self, ins: Any, st: State) -> None:
        self.analysis.use(*st.pop(1))
        st.stack.append(SCALAR)

    op_convert_value = op_format_simple

    def op_format_with_spec(self, ins: Any, st: State) -> None:
        self.analysis.use_all(st.pop(2), {})
        st.stack.append(SCALAR)

    # -- items and attributes

    def op_binary_subscr(self, ins: Any, st: State) -> None:
        st.stack.append(self.analysis.subscript(*st.pop(2)))

    def op_binary_slice(self, ins: Any, st: State) -> None:
        owner, start, stop = st.pop(3)
        self.analysis.use_all([start, stop], {})
        st.stack.append(self.analysis.subscript(owner, SCALAR))

    def op_build_slice(self, ins: Any, st: State) -> None:
        self.analysis.use_all(st.pop(ins.arg), {})
        st.stack.append(SCALAR)

    def changes(self, container: Val, *others: Val) -> None:
        if container.kind is not Kind.FRESH:
            fail(f"stores items into {describe(container)}")
        self.analysis.use_all(others, {})

    def op_store_subscr(self, ins: Any, st: State) -> None:
        value, container, key = st.pop(3)
        self.changes(container, value, key)

    def op_delete_subscr(self, ins: Any, st: State) -> None:
        self.changes(*st.pop(2))

    def op_store_slice(self, ins: Any, st: State) -> None:
        value, container, start, stop = st.pop(4)
        self.changes(container, value, start, stop)

    def op_load_attr(self, ins: Any, st: State) -> None:
        if sys.version_info >= (3, 12) and ins.arg & 1:
            self.op_load_method(ins, st)
        else:
            (owner,) = st.pop(1)
            st.stack.append(self.analysis.attribute(owner, ins.argval))

    def op_load_method(self, ins: Any, st: State) -> None:
        (owner,) = st.pop(1)
        by_name = owner.kind is Kind.KNOWN and isinstance(owner.value, (types.ModuleType, type))
        method = Val(Kind.METHOD, owner, ins.argval)
        if by_name:
            method = self.analysis.attribute(owner, ins.argval)
        st.stack.extend([NULL, method])

    def op_store_attr(self, ins: Any, st: State) -> None:
        fail(f"assigns the attribute {ins.argval}")

    # -- containers

    def op_build_list(self, ins: Any, st: State) -> None:
        self.analysis.use_all(st.pop(ins.arg), {})
        st.stack.append(FRESH)

    op_build_tuple = op_build_list

    def op_build_string(self, ins: Any, st: State) -> None:
        self.analysis.use_all(st.pop(ins.arg), {})
        st.stack.append(SCALAR)

    def op_build_set(self, ins: Any, st: State) -> None:
        self.analysis.use_all(st.pop(ins.arg), {})
        st.stack.append(SET)

    def op_build_map(self, ins: Any, st: State) -> None:
        self.analysis.use_all(st.pop(2 * ins.arg), {})
        st.stack.append(FRESH)

    def op_build_const_key_map(self, ins: Any, st: State) -> None:
        self.analysis.use_all(st.pop(ins.arg + 1), {})
        st.stack.append(FRESH)

    def grow(self, depth: int, added: list[Val], st: State, kind: Kind) -> None:
        self.analysis.use_all(added, {})
        if st.stack[-depth].kind is not kind:
            fail("grows a container that it did not make")

    def op_list_append(self, ins: Any, st: State) -> None:
        self.grow(ins.arg, st.pop(1), st, Kind.FRESH)

    op_list_extend = op_dict_update = op_dict_merge = op_list_append

    def op_map_add(self, ins: Any, st: State) -> None:
        self.grow(ins.arg, st.pop(2), st, Kind.FRESH)

    def op_set_add(self, ins: Any, st: State) -> None:
        self.grow(ins.arg, st.pop(1), st, Kind.SET)

    def op_set_update(self, ins: Any, st: State) -> None:
        added = [v for v in st.pop(1) if not is_set(v)]
        self.grow(ins.arg, added, st, Kind.SET)

    def op_list_to_tuple(self, ins: Any, st: State) -> None:
        pass

    def op_call_intrinsic_1(self, ins: Any, st: State) -> object:
        name = ins.argrepr.removeprefix("INTRINSIC_")
        if name == "UNARY_POSITIVE":
            self.op_unary_negative(ins, st)
        elif name not in ("LIST_TO_TUPLE", "STOPITERATION_ERROR"):
            fail(f"uses the instruction {ins.argrepr}")
        return None

    def element(self, val: Val) -> Val:
        return SCALAR if self.analysis.holds_atoms(val) else VALUE

    def op_unpack_sequence(self, ins: Any, st: State) -> None:
        (val,) = st.pop(1)
        self.analysis.use(val)
        st.stack.extend([self.element(val)] * ins.arg)

    def op_unpack_ex(self, ins: Any, st: State) -> None:
        (val,) = st.pop(1)
        self.analysis.use(val)
        first, last = ins.arg & 0xFF, ins.arg >> 8
        each = self.element(val)
        st.stack.extend([*[each] * last, FRESH, *[each] * first])
