"""The process of a worker (`benchmarks.worker`): ``python -m benchmarks.serve DESCRIPTOR``."""

import sys

from benchmarks.worker import serve

if __name__ == "__main__":
    serve(int(sys.argv[1]))
