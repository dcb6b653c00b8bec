"""The 22 TPC-H queries written by hand for Dask DataFrame, as someone who knows it well would.

Columns are named at the scan, row filters go into Parquet, joins start from the small side and
broadcast it, one-column existence tests are semi-joins, and the final sort happens in pandas
because the answers are small.  Every query returns a computed pandas frame in SQL's order.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dask
import dask.dataframe as dd
import pandas as pd

Filters = list[tuple[str, str, Any]]


def _scan(data: Path, table: str, columns: str, filters: Filters | None = None) -> Any:
    return dd.read_parquet(
        data / f"{table}.parquet",
        columns=columns.split(),
        filters=filters,
        split_row_groups=True,
    )


def _answer(frame: Any, by: list[str], ascending: bool | list[bool] = True, n: int | None = None):
    """Compute, then sort and cut in pandas."""
    local = frame.compute(scheduler="threads")
    return local.sort_values(by, ascending=ascending, ignore_index=True).head(n or len(local))


def _days(column: str, start: str, end: str) -> Filters:
    return [(column, ">=", pd.Timestamp(start)), (column, "<", pd.Timestamp(end))]


def q01(data: Path) -> pd.DataFrame:
    lineitem = _scan(
        data,
        "lineitem",
        "l_returnflag l_linestatus l_quantity l_extendedprice l_discount l_tax",
        [("l_shipdate", "<=", pd.Timestamp("1998-09-02"))],
    )
    lineitem["disc_price"] = lineitem.l_extendedprice * (1 - lineitem.l_discount)
    lineitem["charge"] = lineitem.disc_price * (1 + lineitem.l_tax)
    summary = lineitem.groupby(["l_returnflag", "l_linestatus"]).agg(
        sum_qty=("l_quantity", "sum"),
        sum_base_price=("l_extendedprice", "sum"),
        sum_disc_price=("disc_price", "sum"),
        sum_charge=("charge", "sum"),
        avg_qty=("l_quantity", "mean"),
        avg_price=("l_extendedprice", "mean"),
        avg_disc=("l_discount", "mean"),
        count_order=("l_quantity", "size"),
    )
    return _answer(summary.reset_index(), ["l_returnflag", "l_linestatus"])


def q02(data: Path) -> pd.DataFrame:
    part = _scan(data, "part", "p_partkey p_mfgr p_type", [("p_size", "==", 15)])
    part = part[part.p_type.str.endswith("BRASS")][["p_partkey", "p_mfgr"]]
    supplier = _scan(
        data, "supplier", "s_suppkey s_name s_address s_nationkey s_phone s_acctbal s_comment"
    )
    partsupp = _scan(data, "partsupp", "ps_partkey ps_suppkey ps_supplycost")
    nation = _scan(data, "nation", "n_nationkey n_name n_regionkey")
    region = _scan(data, "region", "r_regionkey", [("r_name", "==", "EUROPE")])

    nations = nation.merge(region, left_on="n_regionkey", right_on="r_regionkey")
    suppliers = supplier.merge(nations, left_on="s_nationkey", right_on="n_nationkey")
    offers = partsupp.merge(part, left_on="ps_partkey", right_on="p_partkey", broadcast=True)
    offers = offers.merge(suppliers, left_on="ps_suppkey", right_on="s_suppkey", broadcast=True)
    columns = [
        "s_acctbal",
        "s_name",
        "n_name",
        "p_partkey",
        "p_mfgr",
        "s_address",
        "s_phone",
        "s_comment",
    ]
    # A few thousand rows are left: pandas does the rest at once.
    offers = offers[columns + ["ps_supplycost"]].compute(scheduler="threads")
    cheapest = offers.groupby("p_partkey")["ps_supplycost"].transform("min")
    best = offers[offers["ps_supplycost"] == cheapest][columns]
    order = ["s_acctbal", "n_name", "s_name", "p_partkey"]
    ascending = [False, True, True, True]
    return best.sort_values(order, ascending=ascending, ignore_index=True).head(100)


def q03(data: Path) -> pd.DataFrame:
    day = pd.Timestamp("1995-03-15")
    customer = _scan(data, "customer", "c_custkey", [("c_mktsegment", "==", "BUILDING")])
    orders = _scan(
        data,
        "orders",
        "o_orderkey o_custkey o_orderdate o_shippriority",
        [("o_orderdate", "<", day)],
    )
    lineitem = _scan(
        data, "lineitem", "l_orderkey l_extendedprice l_discount", [("l_shipdate", ">", day)]
    )
    orders = orders.merge(
        customer, left_on="o_custkey", right_on="c_custkey", how="leftsemi", broadcast=True
    )
    lineitem["revenue"] = lineitem.l_extendedprice * (1 - lineitem.l_discount)
    joined = lineitem.merge(
        orders.repartition(npartitions=1), left_on="l_orderkey", right_on="o_orderkey"
    )
    revenue = joined.groupby(["l_orderkey", "o_orderdate", "o_shippriority"]).revenue.sum()
    top = _answer(revenue.reset_index(), ["revenue", "o_orderdate"], [False, True], 10)
    return top[["l_orderkey", "revenue", "o_orderdate", "o_shippriority"]]


def q04(data: Path) -> pd.DataFrame:
    orders = _scan(
        data,
        "orders",
        "o_orderkey o_orderpriority",
        _days("o_orderdate", "1993-07-01", "1993-10-01"),
    )
    lineitem = _scan(data, "lineitem", "l_orderkey l_commitdate l_receiptdate")
    late = lineitem[lineitem.l_commitdate < lineitem.l_receiptdate][["l_orderkey"]]
    # The lines of the quarter's orders are few; the orders are fewer still.
    matched = late.merge(
        orders.repartition(npartitions=1), left_on="l_orderkey", right_on="o_orderkey"
    ).drop_duplicates(subset=["o_orderkey"])
    counts = matched.groupby("o_orderpriority").size().to_frame("order_count")
    return _answer(counts.reset_index(), ["o_orderpriority"])


def q05(data: Path) -> pd.DataFrame:
    region = _scan(data, "region", "r_regionkey", [("r_name", "==", "ASIA")])
    nation = _scan(data, "nation", "n_nationkey n_name n_regionkey")
    customer = _scan(data, "customer", "c_custkey c_nationkey")
    orders = _scan(
        data, "orders", "o_orderkey o_custkey", _days("o_orderdate", "1994-01-01", "1995-01-01")
    )
    supplier = _scan(data, "supplier", "s_suppkey s_nationkey")
    lineitem = _scan(data, "lineitem", "l_orderkey l_suppkey l_extendedprice l_discount")

    nations = nation.merge(region, left_on="n_regionkey", right_on="r_regionkey")
    customers = customer.merge(nations, left_on="c_nationkey", right_on="n_nationkey")
    orders = orders.merge(customers, left_on="o_custkey", right_on="c_custkey", broadcast=True)
    orders = orders[["o_orderkey", "c_nationkey", "n_name"]].repartition(npartitions=1)
    sales = lineitem.merge(orders, left_on="l_orderkey", right_on="o_orderkey")
    sales = sales.merge(
        supplier, left_on=["l_suppkey", "c_nationkey"], right_on=["s_suppkey", "s_nationkey"]
    )
    sales["revenue"] = sales.l_extendedprice * (1 - sales.l_discount)
    revenue = sales.groupby("n_name").revenue.sum().reset_index()
    return _answer(revenue, ["revenue"], False)


def q06(data: Path) -> pd.DataFrame:
    filters = _days("l_shipdate", "1994-01-01", "1995-01-01")
    filters += [("l_discount", ">=", 0.05), ("l_discount", "<=", 0.07), ("l_quantity", "<", 24)]
    lineitem = _scan(data, "lineitem", "l_extendedprice l_discount", filters)
    revenue = (lineitem.l_extendedprice * lineitem.l_discount).sum()
    return pd.DataFrame({"revenue": [revenue.compute(scheduler="threads")]})


def q07(data: Path) -> pd.DataFrame:
    countries = [("n_name", "in", ["FRANCE", "GERMANY"])]
    nation = _scan(data, "nation", "n_nationkey n_name", countries)
    supplier = _scan(data, "supplier", "s_suppkey s_nationkey")
    customer = _scan(data, "customer", "c_custkey c_nationkey")
    orders = _scan(data, "orders", "o_orderkey o_custkey")
    lineitem = _scan(
        data,
        "lineitem",
        "l_orderkey l_suppkey l_shipdate l_extendedprice l_discount",
        _days("l_shipdate", "1995-01-01", "1997-01-01"),
    )
    suppliers = supplier.merge(nation, left_on="s_nationkey", right_on="n_nationkey")
    suppliers = suppliers[["s_suppkey", "n_name"]].rename(columns={"n_name": "supp_nation"})
    customers = customer.merge(nation, left_on="c_nationkey", right_on="n_nationkey")
    customers = customers[["c_custkey", "n_name"]].rename(columns={"n_name": "cust_nation"})
    lines = lineitem.merge(suppliers, left_on="l_suppkey", right_on="s_suppkey")
    orders = orders.merge(customers, left_on="o_custkey", right_on="c_custkey")
    orders = orders[["o_orderkey", "cust_nation"]].repartition(npartitions=1)
    volume = lines.merge(orders, left_on="l_orderkey", right_on="o_orderkey")
    volume = volume[volume.supp_nation != volume.cust_nation]
    volume["l_year"] = volume.l_shipdate.dt.year
    volume["revenue"] = volume.l_extendedprice * (1 - volume.l_discount)
    keys = ["supp_nation", "cust_nation", "l_year"]
    return _answer(volume.groupby(keys).revenue.sum().reset_index(), keys)


def q08(data: Path) -> pd.DataFrame:
    part = _scan(data, "part", "p_partkey", [("p_type", "==", "ECONOMY ANODIZED STEEL")])
    supplier = _scan(data, "supplier", "s_suppkey s_nationkey")
    lineitem = _scan(data, "lineitem", "l_orderkey l_partkey l_suppkey l_extendedprice l_discount")
    orders = _scan(
        data,
        "orders",
        "o_orderkey o_custkey o_orderdate",
        _days("o_orderdate", "1995-01-01", "1997-01-01"),
    )
    customer = _scan(data, "customer", "c_custkey c_nationkey")
    nation = _scan(data, "nation", "n_nationkey n_name n_regionkey")
    region = _scan(data, "region", "r_regionkey", [("r_name", "==", "AMERICA")])

    nations = nation.merge(region, left_on="n_regionkey", right_on="r_regionkey")[["n_nationkey"]]
    customers = customer.merge(nations, left_on="c_nationkey", right_on="n_nationkey")
    suppliers = supplier.merge(
        nation[["n_nationkey", "n_name"]], left_on="s_nationkey", right_on="n_nationkey"
    )[["s_suppkey", "n_name"]]
    lines = lineitem.merge(part, left_on="l_partkey", right_on="p_partkey", broadcast=True)
    lines = lines.repartition(npartitions=1)  # about one line in 150 is left
    sales = orders.merge(lines, left_on="o_orderkey", right_on="l_orderkey")
    sales = sales.merge(customers[["c_custkey"]], left_on="o_custkey", right_on="c_custkey")
    sales = sales.merge(suppliers, left_on="l_suppkey", right_on="s_suppkey")
    sales["o_year"] = sales.o_orderdate.dt.year
    sales["volume"] = sales.l_extendedprice * (1 - sales.l_discount)
    sales["brazil"] = sales.volume.where(sales.n_name == "BRAZIL", 0.0)
    totals = sales.groupby("o_year")[["brazil", "volume"]].sum().reset_index()
    result = _answer(totals, ["o_year"])
    return result.assign(mkt_share=result.brazil / result.volume)[["o_year", "mkt_share"]]


def q09(data: Path) -> pd.DataFrame:
    part = _scan(data, "part", "p_partkey p_name")
    part = part[part.p_name.str.contains("green", regex=False)][["p_partkey"]]
    supplier = _scan(data, "supplier", "s_suppkey s_nationkey")
    lineitem = _scan(
        data,
        "lineitem",
        "l_orderkey l_partkey l_suppkey l_quantity l_extendedprice l_discount",
    )
    partsupp = _scan(data, "partsupp", "ps_partkey ps_suppkey ps_supplycost")
    orders = _scan(data, "orders", "o_orderkey o_orderdate")
    nation = _scan(data, "nation", "n_nationkey n_name")

    suppliers = supplier.merge(nation, left_on="s_nationkey", right_on="n_nationkey")
    offers = partsupp.merge(part, left_on="ps_partkey", right_on="p_partkey", broadcast=True)
    offers = offers.merge(suppliers, left_on="ps_suppkey", right_on="s_suppkey")
    offers = offers[["ps_partkey", "ps_suppkey", "ps_supplycost", "n_name"]]
    lines = lineitem.merge(
        offers.repartition(npartitions=1),
        left_on=["l_partkey", "l_suppkey"],
        right_on=["ps_partkey", "ps_suppkey"],
    )
    lines["amount"] = (
        lines.l_extendedprice * (1 - lines.l_discount) - lines.ps_supplycost * lines.l_quantity
    )
    lines = lines[["l_orderkey", "n_name", "amount"]]
    orders["o_year"] = orders.o_orderdate.dt.year
    sales = lines.merge(
        orders[["o_orderkey", "o_year"]].repartition(npartitions=1),
        left_on="l_orderkey",
        right_on="o_orderkey",
    )
    profit = sales.groupby(["n_name", "o_year"]).amount.sum().reset_index()
    profit = profit.rename(columns={"n_name": "nation", "amount": "sum_profit"})
    return _answer(profit, ["nation", "o_year"], [True, False])


def q10(data: Path) -> pd.DataFrame:
    customer = _scan(
        data,
        "customer",
        "c_custkey c_name c_address c_nationkey c_phone c_acctbal c_comment",
    )
    orders = _scan(
        data, "orders", "o_orderkey o_custkey", _days("o_orderdate", "1993-10-01", "1994-01-01")
    )
    lineitem = _scan(
        data,
        "lineitem",
        "l_orderkey l_extendedprice l_discount",
        [("l_returnflag", "==", "R")],
    )
    nation = _scan(data, "nation", "n_nationkey n_name")
    lines = lineitem.merge(
        orders.repartition(npartitions=1), left_on="l_orderkey", right_on="o_orderkey"
    )
    lines["revenue"] = lines.l_extendedprice * (1 - lines.l_discount)
    # The key determines every other column: aggregate first, keep 20, then fetch their details.
    revenue = lines.groupby("o_custkey").revenue.sum().nlargest(20).to_frame().reset_index()
    top = customer.merge(revenue, left_on="c_custkey", right_on="o_custkey", broadcast=True)
    top = top.merge(nation, left_on="c_nationkey", right_on="n_nationkey")
    columns = [
        "c_custkey",
        "c_name",
        "revenue",
        "c_acctbal",
        "n_name",
        "c_address",
        "c_phone",
        "c_comment",
    ]
    return _answer(top[columns], ["revenue"], False)


def q11(data: Path) -> pd.DataFrame:
    partsupp = _scan(data, "partsupp", "ps_partkey ps_suppkey ps_availqty ps_supplycost")
    supplier = _scan(data, "supplier", "s_suppkey s_nationkey")
    nation = _scan(data, "nation", "n_nationkey", [("n_name", "==", "GERMANY")])
    scale_factor = len(supplier) / 10_000
    german = supplier.merge(nation, left_on="s_nationkey", right_on="n_nationkey")
    stock = partsupp.merge(german, left_on="ps_suppkey", right_on="s_suppkey", broadcast=True)
    stock["value"] = stock.ps_supplycost * stock.ps_availqty
    value = stock.groupby("ps_partkey").value.sum().compute(scheduler="threads")
    important = value[value > value.sum() * 0.0001 / scale_factor].reset_index()
    return important.sort_values("value", ascending=False, ignore_index=True)


def q12(data: Path) -> pd.DataFrame:
    orders = _scan(data, "orders", "o_orderkey o_orderpriority")
    lineitem = _scan(
        data,
        "lineitem",
        "l_orderkey l_shipmode l_shipdate l_commitdate l_receiptdate",
        _days("l_receiptdate", "1994-01-01", "1995-01-01")
        + [("l_shipmode", "in", ["MAIL", "SHIP"])],
    )
    late = lineitem[
        (lineitem.l_commitdate < lineitem.l_receiptdate)
        & (lineitem.l_shipdate < lineitem.l_commitdate)
    ][["l_orderkey", "l_shipmode"]]
    lines = orders.merge(
        late.repartition(npartitions=1), left_on="o_orderkey", right_on="l_orderkey"
    )
    high = lines.o_orderpriority.isin(["1-URGENT", "2-HIGH"])
    lines = lines.assign(high_line_count=high.astype("int64"), low_line_count=1 - high)
    counts = lines.groupby("l_shipmode")[["high_line_count", "low_line_count"]].sum()
    return _answer(counts.reset_index(), ["l_shipmode"])


def q13(data: Path) -> pd.DataFrame:
    customer = _scan(data, "customer", "c_custkey")
    orders = _scan(data, "orders", "o_orderkey o_custkey o_comment")
    ordinary = orders[~orders.o_comment.str.contains("special.*requests")]
    # Counting before the join keeps the join small: customers without orders get zero.
    counts = ordinary.groupby("o_custkey").size().to_frame("c_count").reset_index()
    joined = customer.merge(counts, left_on="c_custkey", right_on="o_custkey", how="left")
    joined["c_count"] = joined.c_count.fillna(0).astype("int64")
    distribution = joined.groupby("c_count").size().to_frame("custdist").reset_index()
    return _answer(distribution, ["custdist", "c_count"], False)


def q14(data: Path) -> pd.DataFrame:
    lineitem = _scan(
        data,
        "lineitem",
        "l_partkey l_extendedprice l_discount",
        _days("l_shipdate", "1995-09-01", "1995-10-01"),
    )
    part = _scan(data, "part", "p_partkey p_type")
    sales = lineitem.merge(part, left_on="l_partkey", right_on="p_partkey", broadcast=True)
    revenue = sales.l_extendedprice * (1 - sales.l_discount)
    promotion = revenue.where(sales.p_type.str.startswith("PROMO"), 0.0)
    share = 100.0 * promotion.sum() / revenue.sum()
    return pd.DataFrame({"promo_revenue": [share.compute(scheduler="threads")]})


def q15(data: Path) -> pd.DataFrame:
    lineitem = _scan(
        data,
        "lineitem",
        "l_suppkey l_extendedprice l_discount",
        _days("l_shipdate", "1996-01-01", "1996-04-01"),
    )
    supplier = _scan(data, "supplier", "s_suppkey s_name s_address s_phone")
    lineitem["total_revenue"] = lineitem.l_extendedprice * (1 - lineitem.l_discount)
    revenue = lineitem.groupby("l_suppkey").total_revenue.sum().to_frame().reset_index()
    best = revenue[revenue.total_revenue == revenue.total_revenue.max()]
    top = supplier.merge(best, left_on="s_suppkey", right_on="l_suppkey")
    columns = ["s_suppkey", "s_name", "s_address", "s_phone", "total_revenue"]
    return _answer(top[columns], ["s_suppkey"])


def q16(data: Path) -> pd.DataFrame:
    part = _scan(
        data,
        "part",
        "p_partkey p_brand p_type p_size",
        [("p_brand", "!=", "Brand#45"), ("p_size", "in", [49, 14, 23, 45, 19, 3, 36, 9])],
    )
    part = part[~part.p_type.str.startswith("MEDIUM POLISHED")]
    partsupp = _scan(data, "partsupp", "ps_partkey ps_suppkey")
    supplier = _scan(data, "supplier", "s_suppkey s_comment")
    complained = supplier[supplier.s_comment.str.contains("Customer.*Complaints")].s_suppkey
    offers = partsupp[~partsupp.ps_suppkey.isin(complained.compute(scheduler="threads").tolist())]
    offers = offers.merge(part, left_on="ps_partkey", right_on="p_partkey", broadcast=True)
    keys = ["p_brand", "p_type", "p_size"]
    counts = offers.groupby(keys).ps_suppkey.nunique().to_frame("supplier_cnt").reset_index()
    return _answer(counts, ["supplier_cnt", *keys], [False, True, True, True])


def q17(data: Path) -> pd.DataFrame:
    part = _scan(
        data,
        "part",
        "p_partkey",
        [("p_brand", "==", "Brand#23"), ("p_container", "==", "MED BOX")],
    )
    lineitem = _scan(data, "lineitem", "l_partkey l_quantity l_extendedprice")
    lines = lineitem.merge(part, left_on="l_partkey", right_on="p_partkey", broadcast=True)
    lines = lines.compute(scheduler="threads")  # one line in a thousand
    average = lines.groupby("l_partkey")["l_quantity"].transform("mean")
    small = lines[lines["l_quantity"] < 0.2 * average]
    return pd.DataFrame({"avg_yearly": [small["l_extendedprice"].sum() / 7.0]})


def q18(data: Path) -> pd.DataFrame:
    customer = _scan(data, "customer", "c_custkey c_name")
    orders = _scan(data, "orders", "o_orderkey o_custkey o_orderdate o_totalprice")
    lineitem = _scan(data, "lineitem", "l_orderkey l_quantity")
    quantity = lineitem.groupby("l_orderkey").l_quantity.sum().to_frame("sum_qty").reset_index()
    large = quantity[quantity.sum_qty > 300]
    result = orders.merge(large, left_on="o_orderkey", right_on="l_orderkey", broadcast=True)
    result = customer.merge(result, left_on="c_custkey", right_on="o_custkey", broadcast=True)
    columns = ["c_name", "c_custkey", "o_orderkey", "o_orderdate", "o_totalprice", "sum_qty"]
    return _answer(result[columns], ["o_totalprice", "o_orderdate"], [False, True], 100)


def q19(data: Path) -> pd.DataFrame:
    containers = [f"SM {c}" for c in ("CASE", "BOX", "PACK", "PKG")]
    containers += [f"MED {c}" for c in ("BAG", "BOX", "PKG", "PACK")]
    containers += [f"LG {c}" for c in ("CASE", "BOX", "PACK", "PKG")]
    lineitem = _scan(
        data,
        "lineitem",
        "l_partkey l_quantity l_extendedprice l_discount",
        [
            ("l_shipmode", "in", ["AIR", "AIR REG"]),
            ("l_shipinstruct", "==", "DELIVER IN PERSON"),
            ("l_quantity", "<=", 30),
        ],
    )
    part = _scan(
        data,
        "part",
        "p_partkey p_brand p_size p_container",
        [
            ("p_brand", "in", ["Brand#12", "Brand#23", "Brand#34"]),
            ("p_container", "in", containers),
            ("p_size", "<=", 15),
            ("p_size", ">=", 1),
        ],
    )
    sales = lineitem.merge(part, left_on="l_partkey", right_on="p_partkey", broadcast=True)
    size = sales.p_container.str.split(" ", n=1).str[0]
    small = (sales.p_brand == "Brand#12") & (size == "SM") & (sales.p_size <= 5)
    medium = (sales.p_brand == "Brand#23") & (size == "MED") & (sales.p_size <= 10)
    large = (sales.p_brand == "Brand#34") & (size == "LG")
    selected = sales[
        (small & sales.l_quantity.between(1, 11))
        | (medium & sales.l_quantity.between(10, 20))
        | (large & sales.l_quantity.between(20, 30))
    ]
    revenue = (selected.l_extendedprice * (1 - selected.l_discount)).sum()
    return pd.DataFrame({"revenue": [revenue.compute(scheduler="threads")]})


def q20(data: Path) -> pd.DataFrame:
    supplier = _scan(data, "supplier", "s_suppkey s_name s_address s_nationkey")
    nation = _scan(data, "nation", "n_nationkey", [("n_name", "==", "CANADA")])
    part = _scan(data, "part", "p_partkey p_name")
    part = part[part.p_name.str.startswith("forest")][["p_partkey"]]
    partsupp = _scan(data, "partsupp", "ps_partkey ps_suppkey ps_availqty")
    lineitem = _scan(
        data,
        "lineitem",
        "l_partkey l_suppkey l_quantity",
        _days("l_shipdate", "1994-01-01", "1995-01-01"),
    )
    # Only the lines of the wanted parts count, so they are cut before they are grouped.
    lines = lineitem.merge(part, left_on="l_partkey", right_on="p_partkey", broadcast=True)
    sold = lines.groupby(["l_partkey", "l_suppkey"]).l_quantity.sum().reset_index()
    stock = partsupp.merge(
        sold, left_on=["ps_partkey", "ps_suppkey"], right_on=["l_partkey", "l_suppkey"]
    )
    excess = stock[stock.ps_availqty > 0.5 * stock.l_quantity][["ps_suppkey"]]
    excess = excess.drop_duplicates().repartition(npartitions=1)
    suppliers = supplier.merge(nation, left_on="s_nationkey", right_on="n_nationkey")
    chosen = suppliers.merge(excess, left_on="s_suppkey", right_on="ps_suppkey")
    return _answer(chosen[["s_name", "s_address"]], ["s_name"])


def q21(data: Path) -> pd.DataFrame:
    nation = _scan(data, "nation", "n_nationkey", [("n_name", "==", "SAUDI ARABIA")])
    supplier = _scan(data, "supplier", "s_suppkey s_name s_nationkey")
    orders = _scan(data, "orders", "o_orderkey", [("o_orderstatus", "==", "F")])
    lineitem = _scan(data, "lineitem", "l_orderkey l_suppkey l_commitdate l_receiptdate")
    lineitem["late"] = lineitem.l_receiptdate > lineitem.l_commitdate
    lines = lineitem[["l_orderkey", "l_suppkey", "late"]]

    saudi = supplier.merge(nation, left_on="s_nationkey", right_on="n_nationkey")
    candidates = lines[lines.late].merge(
        saudi[["s_suppkey", "s_name"]], left_on="l_suppkey", right_on="s_suppkey", broadcast=True
    )
    candidates = candidates.merge(
        orders.repartition(npartitions=1), left_on="l_orderkey", right_on="o_orderkey"
    )[["l_orderkey", "l_suppkey", "s_name"]]
    # The other lines of the same orders decide: someone else took part, no one else was late.
    wanted = candidates[["l_orderkey"]].drop_duplicates().repartition(npartitions=1)
    related = lines.merge(wanted, on="l_orderkey")
    candidates, related = dask.compute(candidates, related, scheduler="threads")
    suppliers = related.groupby("l_orderkey")["l_suppkey"].nunique()
    late = related[related["late"]].groupby("l_orderkey")["l_suppkey"].nunique()
    orderkey = candidates["l_orderkey"]
    waiting = candidates[(orderkey.map(suppliers) > 1) & (orderkey.map(late) == 1)]
    counts = waiting.groupby("s_name").size().reset_index(name="numwait")
    counts = counts.sort_values(["numwait", "s_name"], ascending=[False, True], ignore_index=True)
    return counts.head(100)


def q22(data: Path) -> pd.DataFrame:
    codes = ["13", "31", "23", "29", "30", "18", "17"]
    customer = _scan(data, "customer", "c_custkey c_phone c_acctbal")
    orders = _scan(data, "orders", "o_custkey")
    customer["cntrycode"] = customer.c_phone.str[:2]
    candidates = customer[customer.cntrycode.isin(codes)]
    average = candidates[candidates.c_acctbal > 0].c_acctbal.mean()
    rich = candidates[candidates.c_acctbal > average]
    buyers = orders.drop_duplicates()
    joined = rich.merge(buyers, left_on="c_custkey", right_on="o_custkey", how="left")
    idle = joined[joined.o_custkey.isna()]
    result = idle.groupby("cntrycode").agg(
        numcust=("c_acctbal", "count"), totacctbal=("c_acctbal", "sum")
    )
    return _answer(result.reset_index(), ["cntrycode"])


QUERIES = {
    number: query
    for number, query in enumerate(
        [q01, q02, q03, q04, q05, q06, q07, q08, q09, q10, q11]
        + [q12, q13, q14, q15, q16, q17, q18, q19, q20, q21, q22],
        start=1,
    )
}
