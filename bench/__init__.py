"""Product over HTTP beside the raw floor of the same machine, in the same run. See `python -m bench --help`."""
