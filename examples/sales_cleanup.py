"""Cleaning a messy export of orders, cell by cell as in a notebook: an ordinary pandas script."""

from io import StringIO

import pandas as pd

EXPORT = """Order ID;Customer ;Ordered;Product;Qty;Unit price;Country
1001; Ada Lovelace ;2024-01-05;Keyboard;2;49,90;uk
1002;Grace Hopper;2024-01-07;Mouse;1;19,90;US
1002;Grace Hopper;2024-01-07;Mouse;1;19,90;US
1003;alan turing;2024-02-11;Monitor;;249,00;UK
1004;Katherine Johnson;2024-02-12;Keyboard;5;47,50;us
1005;;2024-02-30;Mouse;3;19,90;DE
1006;Konrad Zuse;2024-03-01;Monitor;2;n/a;de
1007;Ada Lovelace;2024-03-15;Dock;1;129,00;UK
1008;Emmy Noether;2024-03-18;Dock;2;125,00;DE
1009;Grace Hopper;2024-04-02;Keyboard;-1;49,90;US
1010;Konrad Zuse;2024-04-09;Mouse;12;17,25;DE
"""

# %% Read, and give the columns usable names
raw = pd.read_csv(StringIO(EXPORT), sep=";", decimal=",", na_values=["n/a"])
raw.columns = raw.columns.str.strip().str.lower().str.replace(" ", "_")
print(raw)
raw.info()

# %% Repair what can be repaired
sales = raw.drop_duplicates().copy()
sales["customer"] = sales["customer"].str.strip().str.title().fillna("Unknown")
sales["country"] = sales["country"].str.upper()
sales["ordered"] = pd.to_datetime(sales["ordered"], errors="coerce")
sales["qty"] = sales["qty"].fillna(1).astype("int64")
typical = sales.groupby("product")["unit_price"].transform("median")
sales["unit_price"] = sales["unit_price"].fillna(typical)
print(sales.dtypes)

# %% Set the rest aside
bad = sales["ordered"].isna() | (sales["qty"] <= 0)
print("rejected:")
print(sales[bad][["order_id", "customer", "ordered", "qty"]].to_string(index=False))
sales = sales[~bad].reset_index(drop=True)

# %% Enrich
names = pd.DataFrame({"country": ["UK", "US", "DE"], "tax": [0.20, 0.0, 0.19]})
sales = sales.merge(names, on="country", how="left", validate="many_to_one")
sales["net"] = (sales["qty"] * sales["unit_price"]).round(2)
sales["gross"] = (sales["net"] * (1 + sales["tax"])).round(2)
sales["month"] = sales["ordered"].dt.to_period("M").astype(str)
print(sales.sort_values(["ordered", "order_id"]).to_string())

# %% Report
by_month = sales.pivot_table(
    index="month", columns="product", values="net", aggfunc="sum", fill_value=0.0, margins=True
)
print(by_month)
best = sales.groupby("customer")["gross"].agg(["count", "sum", "max"]).nlargest(3, "sum")
print(best)
share = sales.groupby("country")["gross"].sum() / sales["gross"].sum()
print(share.map("{:.1%}".format))
print(sales.groupby("product")["qty"].describe())
sales["running"] = sales.groupby("country")["gross"].cumsum()
print(sales[["order_id", "country", "gross", "running"]])

# %% What is missing is said clearly
try:
    sales["discount"]
except KeyError as error:
    print("no such column:", error)
