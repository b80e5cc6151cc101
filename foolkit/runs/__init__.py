"""Runs that live in a folder: one evolution, an attack by batches, and a sweep of many runs."""
