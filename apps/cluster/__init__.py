"""The scaled profile on this machine: PostgreSQL, S3, a Prefect server with a worker and a Dask cluster under mutual TLS, on loopback."""
