"""Ingestion: from files on disk to a published generation of the knowledge base."""

import os

# One thread for each product of matrices: those of one question are so small that threads of the linear algebra library only wait for
# each other (on a busy machine for ten times the work), and a service or an ingest has its own threads. Read when numpy is first imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
