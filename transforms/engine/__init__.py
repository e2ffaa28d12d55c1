"""The machine that runs the .sql files: named inputs in, Parquet out."""
