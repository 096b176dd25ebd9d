"""Evaluation: question sets, measures, runs, comparisons and reports."""
