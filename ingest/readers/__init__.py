"""Readers: one file in, a head and its pages out."""
