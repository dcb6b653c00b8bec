"""The 22 TPC-H queries in plain Polars: the steps of ``queries.py``, left to Polars to optimise.

None is restructured by hand: they stand for the same job written in the engine's own API.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Literal

import pandas as pd
import polars as pl
from polars import col

# Measured over the suite at scale factor 1: the streaming engine is the faster one.
ENGINE: Literal["streaming", "in-memory"] = "streaming"

REVENUE = col("l_extendedprice") * (1 - col("l_discount"))


def _scan(data: Path, table: str) -> pl.LazyFrame:
    return pl.scan_parquet(data / f"{table}.parquet")


def _answer(plan: pl.LazyFrame) -> pd.DataFrame:
    return plan.collect(engine=ENGINE).to_pandas()


def _within(column: str, start: datetime, end: datetime) -> pl.Expr:
    return (col(column) >= start) & (col(column) < end)


def q01(data: Path) -> pd.DataFrame:
    return _answer(
        _scan(data, "lineitem")
        .filter(col("l_shipdate") <= datetime(1998, 9, 2))
        .with_columns(disc_price=REVENUE)
        .with_columns(charge=col("disc_price") * (1 + col("l_tax")))
        .group_by("l_returnflag", "l_linestatus")
        .agg(
            sum_qty=col("l_quantity").sum(),
            sum_base_price=col("l_extendedprice").sum(),
            sum_disc_price=col("disc_price").sum(),
            sum_charge=col("charge").sum(),
            avg_qty=col("l_quantity").mean(),
            avg_price=col("l_extendedprice").mean(),
            avg_disc=col("l_discount").mean(),
            count_order=pl.len(),
        )
        .sort("l_returnflag", "l_linestatus")
    )


def q02(data: Path) -> pd.DataFrame:
    offers = (
        _scan(data, "part")
        .join(_scan(data, "partsupp"), left_on="p_partkey", right_on="ps_partkey")
        .join(_scan(data, "supplier"), left_on="ps_suppkey", right_on="s_suppkey")
        .join(_scan(data, "nation"), left_on="s_nationkey", right_on="n_nationkey")
        .join(_scan(data, "region"), left_on="n_regionkey", right_on="r_regionkey")
        .filter(
            col("p_size") == 15,
            col("p_type").str.ends_with("BRASS"),
            col("r_name") == "EUROPE",
        )
    )
    cheapest = offers.group_by("p_partkey").agg(col("ps_supplycost").min())
    order = ["s_acctbal", "n_name", "s_name", "p_partkey"]
    return _answer(
        offers.join(cheapest, on=["p_partkey", "ps_supplycost"])
        .select(
            "s_acctbal",
            "s_name",
            "n_name",
            "p_partkey",
            "p_mfgr",
            "s_address",
            "s_phone",
            "s_comment",
        )
        .sort(order, descending=[True, False, False, False])
        .head(100)
    )


def q03(data: Path) -> pd.DataFrame:
    day = datetime(1995, 3, 15)
    return _answer(
        _scan(data, "customer")
        .join(_scan(data, "orders"), left_on="c_custkey", right_on="o_custkey")
        .join(_scan(data, "lineitem"), left_on="o_orderkey", right_on="l_orderkey")
        .filter(
            col("c_mktsegment") == "BUILDING",
            col("o_orderdate") < day,
            col("l_shipdate") > day,
        )
        .group_by(col("o_orderkey").alias("l_orderkey"), "o_orderdate", "o_shippriority")
        .agg(revenue=REVENUE.sum())
        .select("l_orderkey", "revenue", "o_orderdate", "o_shippriority")
        .sort("revenue", "o_orderdate", descending=[True, False])
        .head(10)
    )


def q04(data: Path) -> pd.DataFrame:
    late = _scan(data, "lineitem").filter(col("l_commitdate") < col("l_receiptdate"))
    return _answer(
        _scan(data, "orders")
        .filter(_within("o_orderdate", datetime(1993, 7, 1), datetime(1993, 10, 1)))
        .join(late, left_on="o_orderkey", right_on="l_orderkey", how="semi")
        .group_by("o_orderpriority")
        .agg(order_count=pl.len())
        .sort("o_orderpriority")
    )


def q05(data: Path) -> pd.DataFrame:
    return _answer(
        _scan(data, "region")
        .join(_scan(data, "nation"), left_on="r_regionkey", right_on="n_regionkey")
        .join(_scan(data, "customer"), left_on="n_nationkey", right_on="c_nationkey")
        .join(_scan(data, "orders"), left_on="c_custkey", right_on="o_custkey")
        .join(_scan(data, "lineitem"), left_on="o_orderkey", right_on="l_orderkey")
        .join(
            _scan(data, "supplier"),
            left_on=["l_suppkey", "n_nationkey"],
            right_on=["s_suppkey", "s_nationkey"],
        )
        .filter(
            col("r_name") == "ASIA",
            _within("o_orderdate", datetime(1994, 1, 1), datetime(1995, 1, 1)),
        )
        .group_by("n_name")
        .agg(revenue=REVENUE.sum())
        .sort("revenue", descending=True)
    )


def q06(data: Path) -> pd.DataFrame:
    return _answer(
        _scan(data, "lineitem")
        .filter(
            _within("l_shipdate", datetime(1994, 1, 1), datetime(1995, 1, 1)),
            col("l_discount").is_between(0.05, 0.07),
            col("l_quantity") < 24,
        )
        .select(revenue=(col("l_extendedprice") * col("l_discount")).sum())
    )


def q07(data: Path) -> pd.DataFrame:
    pair = _scan(data, "nation").filter(col("n_name").is_in(["FRANCE", "GERMANY"]))
    suppliers = (
        _scan(data, "supplier")
        .join(pair, left_on="s_nationkey", right_on="n_nationkey")
        .rename({"n_name": "supp_nation"})
    )
    customers = (
        _scan(data, "customer")
        .join(pair, left_on="c_nationkey", right_on="n_nationkey")
        .rename({"n_name": "cust_nation"})
    )
    keys = ["supp_nation", "cust_nation", "l_year"]
    return _answer(
        _scan(data, "lineitem")
        .join(suppliers, left_on="l_suppkey", right_on="s_suppkey")
        .join(_scan(data, "orders"), left_on="l_orderkey", right_on="o_orderkey")
        .join(customers, left_on="o_custkey", right_on="c_custkey")
        .filter(
            col("l_shipdate").is_between(datetime(1995, 1, 1), datetime(1996, 12, 31)),
            col("supp_nation") != col("cust_nation"),
        )
        .with_columns(l_year=col("l_shipdate").dt.year())
        .group_by(keys)
        .agg(revenue=REVENUE.sum())
        .sort(keys)
    )


def q08(data: Path) -> pd.DataFrame:
    nation = _scan(data, "nation")
    customer_nation = nation.select("n_nationkey", "n_regionkey")
    supplier_nation = nation.select("n_nationkey", "n_name")
    brazil = pl.when(col("n_name") == "BRAZIL").then(col("volume")).otherwise(0.0)
    return _answer(
        _scan(data, "part")
        .join(_scan(data, "lineitem"), left_on="p_partkey", right_on="l_partkey")
        .join(_scan(data, "orders"), left_on="l_orderkey", right_on="o_orderkey")
        .join(_scan(data, "customer"), left_on="o_custkey", right_on="c_custkey")
        .join(customer_nation, left_on="c_nationkey", right_on="n_nationkey")
        .join(_scan(data, "region"), left_on="n_regionkey", right_on="r_regionkey")
        .join(_scan(data, "supplier"), left_on="l_suppkey", right_on="s_suppkey")
        .join(supplier_nation, left_on="s_nationkey", right_on="n_nationkey")
        .filter(
            col("p_type") == "ECONOMY ANODIZED STEEL",
            col("o_orderdate").is_between(datetime(1995, 1, 1), datetime(1996, 12, 31)),
            col("r_name") == "AMERICA",
        )
        .with_columns(o_year=col("o_orderdate").dt.year(), volume=REVENUE)
        .group_by("o_year")
        .agg(mkt_share=brazil.sum() / col("volume").sum())
        .sort("o_year")
    )


def q09(data: Path) -> pd.DataFrame:
    profit = REVENUE - col("ps_supplycost") * col("l_quantity")
    return _answer(
        _scan(data, "lineitem")
        .join(_scan(data, "part"), left_on="l_partkey", right_on="p_partkey")
        .join(
            _scan(data, "partsupp"),
            left_on=["l_partkey", "l_suppkey"],
            right_on=["ps_partkey", "ps_suppkey"],
        )
        .join(_scan(data, "supplier"), left_on="l_suppkey", right_on="s_suppkey")
        .join(_scan(data, "orders"), left_on="l_orderkey", right_on="o_orderkey")
        .join(_scan(data, "nation"), left_on="s_nationkey", right_on="n_nationkey")
        .filter(col("p_name").str.contains("green", literal=True))
        .group_by(nation=col("n_name"), o_year=col("o_orderdate").dt.year())
        .agg(sum_profit=profit.sum())
        .sort("nation", "o_year", descending=[False, True])
    )


def q10(data: Path) -> pd.DataFrame:
    keys = ["c_custkey", "c_name", "c_acctbal", "c_phone", "n_name", "c_address", "c_comment"]
    return _answer(
        _scan(data, "customer")
        .join(_scan(data, "orders"), left_on="c_custkey", right_on="o_custkey")
        .join(_scan(data, "lineitem"), left_on="o_orderkey", right_on="l_orderkey")
        .join(_scan(data, "nation"), left_on="c_nationkey", right_on="n_nationkey")
        .filter(
            _within("o_orderdate", datetime(1993, 10, 1), datetime(1994, 1, 1)),
            col("l_returnflag") == "R",
        )
        .group_by(keys)
        .agg(revenue=REVENUE.sum())
        .select(
            "c_custkey",
            "c_name",
            "revenue",
            "c_acctbal",
            "n_name",
            "c_address",
            "c_phone",
            "c_comment",
        )
        .sort("revenue", descending=True)
        .head(20)
    )


def q11(data: Path) -> pd.DataFrame:
    supplier = _scan(data, "supplier")
    scale_factor = supplier.select(pl.len()).collect().item() / 10_000
    value = (col("ps_supplycost") * col("ps_availqty")).sum()
    stock = (
        _scan(data, "partsupp")
        .join(supplier, left_on="ps_suppkey", right_on="s_suppkey")
        .join(_scan(data, "nation"), left_on="s_nationkey", right_on="n_nationkey")
        .filter(col("n_name") == "GERMANY")
    )
    threshold = stock.select(threshold=value * 0.0001 / scale_factor)
    return _answer(
        stock.group_by("ps_partkey")
        .agg(value=value)
        .join(threshold, how="cross")
        .filter(col("value") > col("threshold"))
        .select("ps_partkey", "value")
        .sort("value", "ps_partkey", descending=[True, False])
    )


def q12(data: Path) -> pd.DataFrame:
    high = col("o_orderpriority").is_in(["1-URGENT", "2-HIGH"])
    return _answer(
        _scan(data, "lineitem")
        .join(_scan(data, "orders"), left_on="l_orderkey", right_on="o_orderkey")
        .filter(
            col("l_shipmode").is_in(["MAIL", "SHIP"]),
            col("l_commitdate") < col("l_receiptdate"),
            col("l_shipdate") < col("l_commitdate"),
            _within("l_receiptdate", datetime(1994, 1, 1), datetime(1995, 1, 1)),
        )
        .group_by("l_shipmode")
        .agg(high_line_count=high.sum(), low_line_count=(~high).sum())
        .sort("l_shipmode")
    )


def q13(data: Path) -> pd.DataFrame:
    ordinary = _scan(data, "orders").filter(~col("o_comment").str.contains("special.*requests"))
    return _answer(
        _scan(data, "customer")
        .join(ordinary, left_on="c_custkey", right_on="o_custkey", how="left")
        .group_by("c_custkey")
        .agg(c_count=col("o_orderkey").count())
        .group_by("c_count")
        .agg(custdist=pl.len())
        .sort("custdist", "c_count", descending=True)
    )


def q14(data: Path) -> pd.DataFrame:
    promotion = REVENUE.filter(col("p_type").str.starts_with("PROMO"))
    return _answer(
        _scan(data, "lineitem")
        .join(_scan(data, "part"), left_on="l_partkey", right_on="p_partkey")
        .filter(_within("l_shipdate", datetime(1995, 9, 1), datetime(1995, 10, 1)))
        .select(promo_revenue=100.0 * promotion.sum() / REVENUE.sum())
    )


def q15(data: Path) -> pd.DataFrame:
    revenue = (
        _scan(data, "lineitem")
        .filter(_within("l_shipdate", datetime(1996, 1, 1), datetime(1996, 4, 1)))
        .group_by("l_suppkey")
        .agg(total_revenue=REVENUE.sum())
    )
    best = revenue.filter(col("total_revenue") == col("total_revenue").max())
    return _answer(
        _scan(data, "supplier")
        .join(best, left_on="s_suppkey", right_on="l_suppkey")
        .select("s_suppkey", "s_name", "s_address", "s_phone", "total_revenue")
        .sort("s_suppkey")
    )


def q16(data: Path) -> pd.DataFrame:
    complained = _scan(data, "supplier").filter(
        col("s_comment").str.contains("Customer.*Complaints")
    )
    keys = ["p_brand", "p_type", "p_size"]
    return _answer(
        _scan(data, "partsupp")
        .join(_scan(data, "part"), left_on="ps_partkey", right_on="p_partkey")
        .filter(
            col("p_brand") != "Brand#45",
            ~col("p_type").str.starts_with("MEDIUM POLISHED"),
            col("p_size").is_in([49, 14, 23, 45, 19, 3, 36, 9]),
        )
        .join(complained, left_on="ps_suppkey", right_on="s_suppkey", how="anti")
        .group_by(keys)
        .agg(supplier_cnt=col("ps_suppkey").n_unique())
        .sort("supplier_cnt", *keys, descending=[True, False, False, False])
    )


def q17(data: Path) -> pd.DataFrame:
    lines = (
        _scan(data, "lineitem")
        .join(_scan(data, "part"), left_on="l_partkey", right_on="p_partkey")
        .filter(col("p_brand") == "Brand#23", col("p_container") == "MED BOX")
    )
    average = lines.group_by("l_partkey").agg(avg_quantity=col("l_quantity").mean())
    return _answer(
        lines.join(average, on="l_partkey")
        .filter(col("l_quantity") < 0.2 * col("avg_quantity"))
        .select(avg_yearly=col("l_extendedprice").sum() / 7.0)
    )


def q18(data: Path) -> pd.DataFrame:
    large = (
        _scan(data, "lineitem")
        .group_by("l_orderkey")
        .agg(sum_qty=col("l_quantity").sum())
        .filter(col("sum_qty") > 300)
    )
    return _answer(
        _scan(data, "orders")
        .join(large, left_on="o_orderkey", right_on="l_orderkey")
        .join(_scan(data, "customer"), left_on="o_custkey", right_on="c_custkey")
        .select(
            "c_name",
            col("o_custkey").alias("c_custkey"),
            "o_orderkey",
            "o_orderdate",
            "o_totalprice",
            "sum_qty",
        )
        .sort("o_totalprice", "o_orderdate", descending=[True, False])
        .head(100)
    )


def q19(data: Path) -> pd.DataFrame:
    small = (
        (col("p_brand") == "Brand#12")
        & col("p_container").is_in(["SM CASE", "SM BOX", "SM PACK", "SM PKG"])
        & col("l_quantity").is_between(1, 11)
        & col("p_size").is_between(1, 5)
    )
    medium = (
        (col("p_brand") == "Brand#23")
        & col("p_container").is_in(["MED BAG", "MED BOX", "MED PKG", "MED PACK"])
        & col("l_quantity").is_between(10, 20)
        & col("p_size").is_between(1, 10)
    )
    large = (
        (col("p_brand") == "Brand#34")
        & col("p_container").is_in(["LG CASE", "LG BOX", "LG PACK", "LG PKG"])
        & col("l_quantity").is_between(20, 30)
        & col("p_size").is_between(1, 15)
    )
    return _answer(
        _scan(data, "lineitem")
        .join(_scan(data, "part"), left_on="l_partkey", right_on="p_partkey")
        .filter(
            col("l_shipmode").is_in(["AIR", "AIR REG"]),
            col("l_shipinstruct") == "DELIVER IN PERSON",
            small | medium | large,
        )
        .select(revenue=REVENUE.sum())
    )


def q20(data: Path) -> pd.DataFrame:
    forest = _scan(data, "part").filter(col("p_name").str.starts_with("forest"))
    sold = (
        _scan(data, "lineitem")
        .filter(_within("l_shipdate", datetime(1994, 1, 1), datetime(1995, 1, 1)))
        .group_by("l_partkey", "l_suppkey")
        .agg(quantity=col("l_quantity").sum())
    )
    excess = (
        _scan(data, "partsupp")
        .join(forest, left_on="ps_partkey", right_on="p_partkey", how="semi")
        .join(sold, left_on=["ps_partkey", "ps_suppkey"], right_on=["l_partkey", "l_suppkey"])
        .filter(col("ps_availqty") > 0.5 * col("quantity"))
    )
    return _answer(
        _scan(data, "supplier")
        .join(_scan(data, "nation"), left_on="s_nationkey", right_on="n_nationkey")
        .filter(col("n_name") == "CANADA")
        .join(excess, left_on="s_suppkey", right_on="ps_suppkey", how="semi")
        .select("s_name", "s_address")
        .sort("s_name")
    )


def q21(data: Path) -> pd.DataFrame:
    lineitem = _scan(data, "lineitem")
    late = lineitem.filter(col("l_receiptdate") > col("l_commitdate"))
    suppliers = col("l_suppkey").n_unique()
    shared = lineitem.group_by("l_orderkey").agg(n_suppliers=suppliers)
    single = late.group_by("l_orderkey").agg(n_late=suppliers)
    return _answer(
        late.join(_scan(data, "supplier"), left_on="l_suppkey", right_on="s_suppkey")
        .join(_scan(data, "nation"), left_on="s_nationkey", right_on="n_nationkey")
        .join(_scan(data, "orders"), left_on="l_orderkey", right_on="o_orderkey")
        .filter(col("n_name") == "SAUDI ARABIA", col("o_orderstatus") == "F")
        .join(shared.filter(col("n_suppliers") > 1), on="l_orderkey", how="semi")
        .join(single.filter(col("n_late") == 1), on="l_orderkey", how="semi")
        .group_by("s_name")
        .agg(numwait=pl.len())
        .sort("numwait", "s_name", descending=[True, False])
        .head(100)
    )


def q22(data: Path) -> pd.DataFrame:
    codes = ["13", "31", "23", "29", "30", "18", "17"]
    average = col("c_acctbal").filter(col("c_acctbal") > 0).mean()
    return _answer(
        _scan(data, "customer")
        .with_columns(cntrycode=col("c_phone").str.slice(0, 2))
        .filter(col("cntrycode").is_in(codes))
        .filter(col("c_acctbal") > average)
        .join(_scan(data, "orders"), left_on="c_custkey", right_on="o_custkey", how="anti")
        .group_by("cntrycode")
        .agg(numcust=pl.len(), totacctbal=col("c_acctbal").sum())
        .sort("cntrycode")
    )


QUERIES = {
    number: query
    for number, query in enumerate(
        [q01, q02, q03, q04, q05, q06, q07, q08, q09, q10, q11]
        + [q12, q13, q14, q15, q16, q17, q18, q19, q20, q21, q22],
        start=1,
    )
}
