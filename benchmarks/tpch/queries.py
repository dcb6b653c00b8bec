"""The 22 TPC-H queries, with their validation parameters, as ordinary pandas code.

Every query takes the pandas module to use and the directory of the tables, and returns the
answer in SQL's order; a query with a single value returns a frame of one row.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any


def q01(pd: Any, data: Path) -> Any:
    """Pricing summary report."""
    lineitem = pd.read_parquet(data / "lineitem.parquet")
    shipped = lineitem[lineitem["l_shipdate"] <= pd.Timestamp("1998-09-02")].copy()
    shipped["disc_price"] = shipped["l_extendedprice"] * (1 - shipped["l_discount"])
    shipped["charge"] = shipped["disc_price"] * (1 + shipped["l_tax"])
    summary = shipped.groupby(["l_returnflag", "l_linestatus"], as_index=False).agg(
        sum_qty=("l_quantity", "sum"),
        sum_base_price=("l_extendedprice", "sum"),
        sum_disc_price=("disc_price", "sum"),
        sum_charge=("charge", "sum"),
        avg_qty=("l_quantity", "mean"),
        avg_price=("l_extendedprice", "mean"),
        avg_disc=("l_discount", "mean"),
        count_order=("l_orderkey", "count"),
    )
    return summary.sort_values(["l_returnflag", "l_linestatus"], ignore_index=True)


def q02(pd: Any, data: Path) -> Any:
    """Minimum cost supplier."""
    part = pd.read_parquet(data / "part.parquet")
    supplier = pd.read_parquet(data / "supplier.parquet")
    partsupp = pd.read_parquet(data / "partsupp.parquet")
    nation = pd.read_parquet(data / "nation.parquet")
    region = pd.read_parquet(data / "region.parquet")

    brass = part[(part["p_size"] == 15) & part["p_type"].str.endswith("BRASS")]
    europe = region[region["r_name"] == "EUROPE"]
    offers = (
        brass.merge(partsupp, left_on="p_partkey", right_on="ps_partkey")
        .merge(supplier, left_on="ps_suppkey", right_on="s_suppkey")
        .merge(nation, left_on="s_nationkey", right_on="n_nationkey")
        .merge(europe, left_on="n_regionkey", right_on="r_regionkey")
    )
    cheapest = offers.groupby("p_partkey")["ps_supplycost"].transform("min")
    best = offers[offers["ps_supplycost"] == cheapest]
    best = best.sort_values(
        ["s_acctbal", "n_name", "s_name", "p_partkey"], ascending=[False, True, True, True]
    )
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
    return best[columns].head(100).reset_index(drop=True)


def q03(pd: Any, data: Path) -> Any:
    """Shipping priority."""
    customer = pd.read_parquet(data / "customer.parquet")
    orders = pd.read_parquet(data / "orders.parquet")
    lineitem = pd.read_parquet(data / "lineitem.parquet")

    day = pd.Timestamp("1995-03-15")
    building = customer[customer["c_mktsegment"] == "BUILDING"]
    pending = (
        building.merge(
            orders[orders["o_orderdate"] < day], left_on="c_custkey", right_on="o_custkey"
        )
        .merge(lineitem[lineitem["l_shipdate"] > day], left_on="o_orderkey", right_on="l_orderkey")
        .assign(revenue=lambda df: df["l_extendedprice"] * (1 - df["l_discount"]))
    )
    return (
        pending.groupby(["l_orderkey", "o_orderdate", "o_shippriority"], as_index=False)["revenue"]
        .sum()
        .sort_values(["revenue", "o_orderdate"], ascending=[False, True])
        .head(10)[["l_orderkey", "revenue", "o_orderdate", "o_shippriority"]]
        .reset_index(drop=True)
    )


def q04(pd: Any, data: Path) -> Any:
    """Order priority checking."""
    orders = pd.read_parquet(data / "orders.parquet")
    lineitem = pd.read_parquet(data / "lineitem.parquet")

    start = pd.Timestamp("1993-07-01")
    quarter = orders[
        (orders["o_orderdate"] >= start) & (orders["o_orderdate"] < start + pd.DateOffset(months=3))
    ]
    late = lineitem[lineitem["l_commitdate"] < lineitem["l_receiptdate"]]
    selected = quarter[quarter["o_orderkey"].isin(late["l_orderkey"])]
    counts = selected.groupby("o_orderpriority").size()
    return counts.reset_index(name="order_count").sort_values("o_orderpriority")


def q05(pd: Any, data: Path) -> Any:
    """Local supplier volume."""
    customer = pd.read_parquet(data / "customer.parquet")
    orders = pd.read_parquet(data / "orders.parquet")
    lineitem = pd.read_parquet(data / "lineitem.parquet")
    supplier = pd.read_parquet(data / "supplier.parquet")
    nation = pd.read_parquet(data / "nation.parquet")
    region = pd.read_parquet(data / "region.parquet")

    asia = region[region["r_name"] == "ASIA"]
    year = orders[
        (orders["o_orderdate"] >= pd.Timestamp("1994-01-01"))
        & (orders["o_orderdate"] < pd.Timestamp("1995-01-01"))
    ]
    sales = (
        asia.merge(nation, left_on="r_regionkey", right_on="n_regionkey")
        .merge(customer, left_on="n_nationkey", right_on="c_nationkey")
        .merge(year, left_on="c_custkey", right_on="o_custkey")
        .merge(lineitem, left_on="o_orderkey", right_on="l_orderkey")
        .merge(
            supplier,
            left_on=["l_suppkey", "n_nationkey"],
            right_on=["s_suppkey", "s_nationkey"],
        )
    )
    sales["revenue"] = sales["l_extendedprice"] * (1 - sales["l_discount"])
    revenue = sales.groupby("n_name", as_index=False)["revenue"].sum()
    return revenue.sort_values("revenue", ascending=False, ignore_index=True)


def q06(pd: Any, data: Path) -> Any:
    """Forecasting revenue change."""
    lineitem = pd.read_parquet(data / "lineitem.parquet")
    selected = lineitem[
        (lineitem["l_shipdate"] >= pd.Timestamp("1994-01-01"))
        & (lineitem["l_shipdate"] < pd.Timestamp("1995-01-01"))
        & lineitem["l_discount"].between(0.05, 0.07)
        & (lineitem["l_quantity"] < 24)
    ]
    revenue = (selected["l_extendedprice"] * selected["l_discount"]).sum()
    return pd.DataFrame({"revenue": [revenue]})


def q07(pd: Any, data: Path) -> Any:
    """Volume shipping between two nations."""
    supplier = pd.read_parquet(data / "supplier.parquet")
    lineitem = pd.read_parquet(data / "lineitem.parquet")
    orders = pd.read_parquet(data / "orders.parquet")
    customer = pd.read_parquet(data / "customer.parquet")
    nation = pd.read_parquet(data / "nation.parquet")

    pair = nation[nation["n_name"].isin(["FRANCE", "GERMANY"])][["n_nationkey", "n_name"]]
    suppliers = supplier.merge(
        pair.rename(columns={"n_name": "supp_nation"}),
        left_on="s_nationkey",
        right_on="n_nationkey",
    )
    customers = customer.merge(
        pair.rename(columns={"n_name": "cust_nation"}),
        left_on="c_nationkey",
        right_on="n_nationkey",
    )
    shipped = lineitem[
        lineitem["l_shipdate"].between(pd.Timestamp("1995-01-01"), pd.Timestamp("1996-12-31"))
    ]
    volume = (
        shipped.merge(suppliers, left_on="l_suppkey", right_on="s_suppkey")
        .merge(orders, left_on="l_orderkey", right_on="o_orderkey")
        .merge(customers, left_on="o_custkey", right_on="c_custkey")
    )
    volume = volume[volume["supp_nation"] != volume["cust_nation"]].copy()
    volume["l_year"] = volume["l_shipdate"].dt.year
    volume["volume"] = volume["l_extendedprice"] * (1 - volume["l_discount"])
    keys = ["supp_nation", "cust_nation", "l_year"]
    return (
        volume.groupby(keys)
        .agg(revenue=("volume", "sum"))
        .reset_index()
        .sort_values(keys, ignore_index=True)
    )


def q08(pd: Any, data: Path) -> Any:
    """National market share."""
    part = pd.read_parquet(data / "part.parquet")
    supplier = pd.read_parquet(data / "supplier.parquet")
    lineitem = pd.read_parquet(data / "lineitem.parquet")
    orders = pd.read_parquet(data / "orders.parquet")
    customer = pd.read_parquet(data / "customer.parquet")
    nation = pd.read_parquet(data / "nation.parquet")
    region = pd.read_parquet(data / "region.parquet")

    steel = part[part["p_type"] == "ECONOMY ANODIZED STEEL"]
    period = orders[
        orders["o_orderdate"].between(pd.Timestamp("1995-01-01"), pd.Timestamp("1996-12-31"))
    ]
    america = region[region["r_name"] == "AMERICA"]
    customer_nation = nation.merge(america, left_on="n_regionkey", right_on="r_regionkey")[
        ["n_nationkey"]
    ]
    supplier_nation = nation[["n_nationkey", "n_name"]].rename(
        columns={"n_nationkey": "s_nationkey", "n_name": "nation"}
    )
    sales = (
        steel.merge(lineitem, left_on="p_partkey", right_on="l_partkey")
        .merge(period, left_on="l_orderkey", right_on="o_orderkey")
        .merge(customer, left_on="o_custkey", right_on="c_custkey")
        .merge(customer_nation, left_on="c_nationkey", right_on="n_nationkey")
        .merge(supplier, left_on="l_suppkey", right_on="s_suppkey")
        .merge(supplier_nation, on="s_nationkey")
    )
    sales["o_year"] = sales["o_orderdate"].dt.year
    sales["volume"] = sales["l_extendedprice"] * (1 - sales["l_discount"])
    sales["brazil"] = sales["volume"].where(sales["nation"] == "BRAZIL", 0.0)
    totals = sales.groupby("o_year")[["brazil", "volume"]].sum().sort_index()
    totals["mkt_share"] = totals["brazil"] / totals["volume"]
    return totals[["mkt_share"]].reset_index()


def q09(pd: Any, data: Path) -> Any:
    """Product type profit measure."""
    part = pd.read_parquet(data / "part.parquet")
    supplier = pd.read_parquet(data / "supplier.parquet")
    lineitem = pd.read_parquet(data / "lineitem.parquet")
    partsupp = pd.read_parquet(data / "partsupp.parquet")
    orders = pd.read_parquet(data / "orders.parquet")
    nation = pd.read_parquet(data / "nation.parquet")

    green = part[part["p_name"].str.contains("green", regex=False)]
    sales = (
        lineitem.merge(green, left_on="l_partkey", right_on="p_partkey")
        .merge(
            partsupp,
            left_on=["l_partkey", "l_suppkey"],
            right_on=["ps_partkey", "ps_suppkey"],
        )
        .merge(supplier, left_on="l_suppkey", right_on="s_suppkey")
        .merge(orders, left_on="l_orderkey", right_on="o_orderkey")
        .merge(nation, left_on="s_nationkey", right_on="n_nationkey")
        .rename(columns={"n_name": "nation"})
    )
    sales["o_year"] = sales["o_orderdate"].dt.year
    sales["sum_profit"] = (
        sales["l_extendedprice"] * (1 - sales["l_discount"])
        - sales["ps_supplycost"] * sales["l_quantity"]
    )
    profit = sales.groupby(["nation", "o_year"], as_index=False)["sum_profit"].sum()
    return profit.sort_values(["nation", "o_year"], ascending=[True, False], ignore_index=True)


def q10(pd: Any, data: Path) -> Any:
    """Returned item reporting."""
    customer = pd.read_parquet(data / "customer.parquet")
    orders = pd.read_parquet(data / "orders.parquet")
    lineitem = pd.read_parquet(data / "lineitem.parquet")
    nation = pd.read_parquet(data / "nation.parquet")

    start = pd.Timestamp("1993-10-01")
    quarter = orders[
        (orders["o_orderdate"] >= start) & (orders["o_orderdate"] < start + pd.DateOffset(months=3))
    ]
    returned = lineitem[lineitem["l_returnflag"] == "R"]
    sales = (
        customer.merge(quarter, left_on="c_custkey", right_on="o_custkey")
        .merge(returned, left_on="o_orderkey", right_on="l_orderkey")
        .merge(nation, left_on="c_nationkey", right_on="n_nationkey")
    )
    sales["revenue"] = sales["l_extendedprice"] * (1 - sales["l_discount"])
    keys = ["c_custkey", "c_name", "c_acctbal", "c_phone", "n_name", "c_address", "c_comment"]
    top = sales.groupby(keys, as_index=False)["revenue"].sum().nlargest(20, "revenue")
    columns = ["c_custkey", "c_name", "revenue", "c_acctbal"]
    columns += ["n_name", "c_address", "c_phone", "c_comment"]
    return top[columns].reset_index(drop=True)


def q11(pd: Any, data: Path) -> Any:
    """Important stock identification (the fraction is 0.0001 divided by the scale factor)."""
    partsupp = pd.read_parquet(data / "partsupp.parquet")
    supplier = pd.read_parquet(data / "supplier.parquet")
    nation = pd.read_parquet(data / "nation.parquet")

    scale_factor = len(supplier) / 10_000
    germany = nation[nation["n_name"] == "GERMANY"]
    stock = partsupp.merge(supplier, left_on="ps_suppkey", right_on="s_suppkey").merge(
        germany, left_on="s_nationkey", right_on="n_nationkey"
    )
    stock["value"] = stock["ps_supplycost"] * stock["ps_availqty"]
    threshold = stock["value"].sum() * 0.0001 / scale_factor
    value = stock.groupby("ps_partkey", as_index=False)["value"].sum()
    important = value[value["value"] > threshold]
    return important.sort_values(["value", "ps_partkey"], ascending=[False, True])


def q12(pd: Any, data: Path) -> Any:
    """Shipping modes and order priority."""
    orders = pd.read_parquet(data / "orders.parquet")
    lineitem = pd.read_parquet(data / "lineitem.parquet")

    late = lineitem[
        lineitem["l_shipmode"].isin(["MAIL", "SHIP"])
        & (lineitem["l_commitdate"] < lineitem["l_receiptdate"])
        & (lineitem["l_shipdate"] < lineitem["l_commitdate"])
        & (lineitem["l_receiptdate"] >= pd.Timestamp("1994-01-01"))
        & (lineitem["l_receiptdate"] < pd.Timestamp("1995-01-01"))
    ]
    lines = late.merge(orders, left_on="l_orderkey", right_on="o_orderkey")
    high = lines["o_orderpriority"].isin(["1-URGENT", "2-HIGH"])
    lines = lines.assign(high=high.astype("int64"), low=(~high).astype("int64"))
    return (
        lines.groupby("l_shipmode")
        .agg(high_line_count=("high", "sum"), low_line_count=("low", "sum"))
        .reset_index()
        .sort_values("l_shipmode")
    )


def q13(pd: Any, data: Path) -> Any:
    """Customer distribution."""
    customer = pd.read_parquet(data / "customer.parquet")
    orders = pd.read_parquet(data / "orders.parquet")

    ordinary = orders[~orders["o_comment"].str.contains("special.*requests")]
    joined = customer.merge(ordinary, how="left", left_on="c_custkey", right_on="o_custkey")
    per_customer = joined.groupby("c_custkey", as_index=False).agg(c_count=("o_orderkey", "count"))
    return (
        per_customer.groupby("c_count", as_index=False)
        .agg(custdist=("c_custkey", "size"))
        .sort_values(["custdist", "c_count"], ascending=[False, False], ignore_index=True)
    )


def q14(pd: Any, data: Path) -> Any:
    """Promotion effect."""
    lineitem = pd.read_parquet(data / "lineitem.parquet")
    part = pd.read_parquet(data / "part.parquet")

    month = lineitem[
        (lineitem["l_shipdate"] >= pd.Timestamp("1995-09-01"))
        & (lineitem["l_shipdate"] < pd.Timestamp("1995-10-01"))
    ]
    sales = month.merge(part, left_on="l_partkey", right_on="p_partkey")
    revenue = sales["l_extendedprice"] * (1 - sales["l_discount"])
    promotion = revenue[sales["p_type"].str.startswith("PROMO")]
    share = 100.0 * promotion.sum() / revenue.sum()
    return pd.DataFrame({"promo_revenue": [share]})


def q15(pd: Any, data: Path) -> Any:
    """Top supplier."""
    lineitem = pd.read_parquet(data / "lineitem.parquet")
    supplier = pd.read_parquet(data / "supplier.parquet")

    quarter = lineitem[
        (lineitem["l_shipdate"] >= pd.Timestamp("1996-01-01"))
        & (lineitem["l_shipdate"] < pd.Timestamp("1996-04-01"))
    ]
    revenue = (
        quarter.assign(revenue=quarter["l_extendedprice"] * (1 - quarter["l_discount"]))
        .groupby("l_suppkey", as_index=False)
        .agg(total_revenue=("revenue", "sum"))
    )
    best = revenue[revenue["total_revenue"] == revenue["total_revenue"].max()]
    top = supplier.merge(best, left_on="s_suppkey", right_on="l_suppkey")
    columns = ["s_suppkey", "s_name", "s_address", "s_phone", "total_revenue"]
    return top[columns].sort_values("s_suppkey", ignore_index=True)


def q16(pd: Any, data: Path) -> Any:
    """Parts/supplier relationship."""
    partsupp = pd.read_parquet(data / "partsupp.parquet")
    part = pd.read_parquet(data / "part.parquet")
    supplier = pd.read_parquet(data / "supplier.parquet")

    wanted = part[
        (part["p_brand"] != "Brand#45")
        & ~part["p_type"].str.startswith("MEDIUM POLISHED")
        & part["p_size"].isin([49, 14, 23, 45, 19, 3, 36, 9])
    ]
    complained = supplier[supplier["s_comment"].str.contains("Customer.*Complaints")]
    offers = partsupp.merge(wanted, left_on="ps_partkey", right_on="p_partkey")
    offers = offers[~offers["ps_suppkey"].isin(complained["s_suppkey"])]
    counts = offers.groupby(["p_brand", "p_type", "p_size"])["ps_suppkey"].nunique()
    return counts.reset_index(name="supplier_cnt").sort_values(
        ["supplier_cnt", "p_brand", "p_type", "p_size"],
        ascending=[False, True, True, True],
        ignore_index=True,
    )


def q17(pd: Any, data: Path) -> Any:
    """Small-quantity-order revenue."""
    lineitem = pd.read_parquet(data / "lineitem.parquet")
    part = pd.read_parquet(data / "part.parquet")

    box = part[(part["p_brand"] == "Brand#23") & (part["p_container"] == "MED BOX")]
    lines = lineitem.merge(box, left_on="l_partkey", right_on="p_partkey")
    average = lines.groupby("l_partkey")["l_quantity"].mean().rename("avg_quantity")
    lines = lines.merge(average.reset_index(), on="l_partkey")
    small = lines[lines["l_quantity"] < 0.2 * lines["avg_quantity"]]
    return pd.DataFrame({"avg_yearly": [small["l_extendedprice"].sum() / 7.0]})


def q18(pd: Any, data: Path) -> Any:
    """Large volume customer."""
    customer = pd.read_parquet(data / "customer.parquet")
    orders = pd.read_parquet(data / "orders.parquet")
    lineitem = pd.read_parquet(data / "lineitem.parquet")

    quantity = lineitem.groupby("l_orderkey", as_index=False)["l_quantity"].sum()
    large = quantity[quantity["l_quantity"] > 300]
    result = (
        orders.merge(large, left_on="o_orderkey", right_on="l_orderkey")
        .merge(customer, left_on="o_custkey", right_on="c_custkey")
        .sort_values(["o_totalprice", "o_orderdate"], ascending=[False, True])
        .head(100)
    )
    columns = ["c_name", "c_custkey", "o_orderkey", "o_orderdate", "o_totalprice", "l_quantity"]
    return result[columns].rename(columns={"l_quantity": "sum_qty"}).reset_index(drop=True)


def q19(pd: Any, data: Path) -> Any:
    """Discounted revenue."""
    lineitem = pd.read_parquet(data / "lineitem.parquet")
    part = pd.read_parquet(data / "part.parquet")

    by_air = lineitem[
        lineitem["l_shipmode"].isin(["AIR", "AIR REG"])
        & (lineitem["l_shipinstruct"] == "DELIVER IN PERSON")
    ]
    sales = by_air.merge(part, left_on="l_partkey", right_on="p_partkey")
    small = (
        (sales["p_brand"] == "Brand#12")
        & sales["p_container"].isin(["SM CASE", "SM BOX", "SM PACK", "SM PKG"])
        & sales["l_quantity"].between(1, 11)
        & sales["p_size"].between(1, 5)
    )
    medium = (
        (sales["p_brand"] == "Brand#23")
        & sales["p_container"].isin(["MED BAG", "MED BOX", "MED PKG", "MED PACK"])
        & sales["l_quantity"].between(10, 20)
        & sales["p_size"].between(1, 10)
    )
    large = (
        (sales["p_brand"] == "Brand#34")
        & sales["p_container"].isin(["LG CASE", "LG BOX", "LG PACK", "LG PKG"])
        & sales["l_quantity"].between(20, 30)
        & sales["p_size"].between(1, 15)
    )
    selected = sales[small | medium | large]
    revenue = (selected["l_extendedprice"] * (1 - selected["l_discount"])).sum()
    return pd.DataFrame({"revenue": [revenue]})


def q20(pd: Any, data: Path) -> Any:
    """Potential part promotion."""
    supplier = pd.read_parquet(data / "supplier.parquet")
    nation = pd.read_parquet(data / "nation.parquet")
    partsupp = pd.read_parquet(data / "partsupp.parquet")
    part = pd.read_parquet(data / "part.parquet")
    lineitem = pd.read_parquet(data / "lineitem.parquet")

    forest = part[part["p_name"].str.startswith("forest")]
    shipped = lineitem[
        (lineitem["l_shipdate"] >= pd.Timestamp("1994-01-01"))
        & (lineitem["l_shipdate"] < pd.Timestamp("1995-01-01"))
    ]
    sold = (
        shipped.groupby(["l_partkey", "l_suppkey"])
        .agg(quantity=("l_quantity", "sum"))
        .reset_index()
    )
    stock = partsupp[partsupp["ps_partkey"].isin(forest["p_partkey"])].merge(
        sold, left_on=["ps_partkey", "ps_suppkey"], right_on=["l_partkey", "l_suppkey"]
    )
    excess = stock[stock["ps_availqty"] > 0.5 * stock["quantity"]]
    canada = nation[nation["n_name"] == "CANADA"]
    suppliers = supplier.merge(canada, left_on="s_nationkey", right_on="n_nationkey")
    chosen = suppliers[suppliers["s_suppkey"].isin(excess["ps_suppkey"].unique())]
    return chosen[["s_name", "s_address"]].sort_values("s_name", ignore_index=True)


def q21(pd: Any, data: Path) -> Any:
    """Suppliers who kept orders waiting."""
    supplier = pd.read_parquet(data / "supplier.parquet")
    lineitem = pd.read_parquet(data / "lineitem.parquet")
    orders = pd.read_parquet(data / "orders.parquet")
    nation = pd.read_parquet(data / "nation.parquet")

    late = lineitem[lineitem["l_receiptdate"] > lineitem["l_commitdate"]]
    suppliers = lineitem.groupby("l_orderkey")["l_suppkey"].nunique()
    late_suppliers = late.groupby("l_orderkey")["l_suppkey"].nunique()
    shared = suppliers[suppliers > 1].rename("n_suppliers").reset_index()
    single = late_suppliers[late_suppliers == 1].rename("n_late").reset_index()

    failed = orders[orders["o_orderstatus"] == "F"]
    saudi = nation[nation["n_name"] == "SAUDI ARABIA"]
    waiting = (
        late.merge(supplier, left_on="l_suppkey", right_on="s_suppkey")
        .merge(saudi, left_on="s_nationkey", right_on="n_nationkey")
        .merge(failed, left_on="l_orderkey", right_on="o_orderkey")
        .merge(shared, on="l_orderkey")
        .merge(single, on="l_orderkey")
    )
    counts = waiting.groupby("s_name", as_index=False).agg(numwait=("l_orderkey", "size"))
    return counts.sort_values(["numwait", "s_name"], ascending=[False, True]).head(100)


def q22(pd: Any, data: Path) -> Any:
    """Global sales opportunity."""
    customer = pd.read_parquet(data / "customer.parquet")
    orders = pd.read_parquet(data / "orders.parquet")

    customer["cntrycode"] = customer["c_phone"].str[:2]
    codes = ["13", "31", "23", "29", "30", "18", "17"]
    candidates = customer[customer["cntrycode"].isin(codes)]
    average = candidates.loc[candidates["c_acctbal"] > 0, "c_acctbal"].mean()
    rich = candidates[candidates["c_acctbal"] > average]
    idle = rich[~rich["c_custkey"].isin(orders["o_custkey"])]
    return (
        idle.groupby("cntrycode")["c_acctbal"]
        .agg(numcust="count", totacctbal="sum")
        .sort_index()
        .reset_index()
    )


QUERIES = {
    number: query
    for number, query in enumerate(
        [q01, q02, q03, q04, q05, q06, q07, q08, q09, q10, q11]
        + [q12, q13, q14, q15, q16, q17, q18, q19, q20, q21, q22],
        start=1,
    )
}
