"""Measures, one file each: from a case and what the system said to a number between 0 and 1, or to None where it does not apply."""

from __future__ import annotations
