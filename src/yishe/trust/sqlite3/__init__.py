"""The SQLite backend of this house: see `base`."""
