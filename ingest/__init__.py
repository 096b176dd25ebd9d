"""Ingestion: from files on disk to a published generation of the knowledge base."""
