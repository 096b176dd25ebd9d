"""Readers and writers of other tools' set formats."""
