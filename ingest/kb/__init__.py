"""The knowledge base as it lies on disk: the one door out of ingest for those who read."""
