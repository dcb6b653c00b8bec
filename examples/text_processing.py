"""Reading a log with text methods: an ordinary pandas script."""

import pandas as pd

LOG = """
2024-05-01 08:00:01 INFO  web    GET /index.html 200 12ms user=ada@example.org
2024-05-01 08:00:02 INFO  web    GET /cart 200 48ms user=Grace@Example.org
2024-05-01 08:00:02 WARN  db     slow query: SELECT * FROM orders (1530ms)
2024-05-01 08:00:05 ERROR web    POST /checkout 500 301ms user=ada@example.org
2024-05-01 08:00:05 ERROR db     deadlock on table "orders", retrying
2024-05-01 08:00:09 INFO  web    POST /checkout 200 95ms user=ada@example.org
2024-05-01 08:01:11 INFO  mail   sent receipt to ada@example.org
2024-05-01 08:01:40 INFO  web    GET /naïve-café 404 7ms user=-
this line is broken
2024-05-01 08:02:00 WARN  mail   bounce: nobody@nowhere.invalid
2024-05-01 08:03:27 INFO  web    GET /index.html 200 9ms user=konrad@zuse.example
""".strip()

lines = pd.Series(LOG.splitlines(), name="line")
print(lines.str.len().describe())

# One regular expression takes a line apart; what does not match is missing.
fields = lines.str.extract(
    r"^(?P<time>\S+ \S+) (?P<level>[A-Z]+)\s+(?P<service>\w+)\s+(?P<message>.*)$"
)
print("broken lines:", lines[fields["time"].isna()].tolist())
log = fields.dropna().reset_index(drop=True)
log["time"] = pd.to_datetime(log["time"])
print(log[["time", "level", "service"]])

print(pd.crosstab(log["service"], log["level"]))
order = pd.CategoricalDtype(["INFO", "WARN", "ERROR"], ordered=True)
log["level"] = log["level"].astype(order)
print(log.groupby("level", observed=False).size())
print(log.loc[log["level"] >= "WARN", "message"].to_string())

# Requests: status and time are numbers, the path has parts.
requests = log["message"].str.extract(r"^(GET|POST) (\S+) (\d{3}) (\d+)ms user=(\S+)$").dropna()
requests.columns = ["method", "path", "status", "ms", "user"]
requests = requests.astype({"status": "int64", "ms": "int64"})
requests["user"] = requests["user"].str.lower().replace("-", None)
requests["section"] = requests["path"].str.strip("/").str.split(".").str[0].str.upper()
print(requests)
print(requests.groupby("status")["ms"].agg(["count", "mean", "max"]))
print(requests["user"].value_counts(dropna=False))
print(requests.sort_values("ms", ascending=False).head(2)[["path", "ms"]])

# Words over all messages.
words = log["message"].str.lower().str.findall(r"[^\W\d_]{4,}").explode()
counts = words.value_counts()
print(counts[counts > 1].sort_index())
flags = log["message"].str.contains("orders|receipt", regex=True)
print(log[flags]["service"].str.cat(log[flags]["message"].str[:20], sep=": ").tolist())
mails = log["message"].str.extractall(r"(?P<name>[\w.]+)@(?P<domain>[\w.]+)")
print(mails["domain"].str.lower().drop_duplicates().str.rsplit(".", n=1, expand=True))
print(log["message"].str.pad(30, side="right", fillchar=".").str.slice(0, 30).head(3).to_list())
