"""Splits by subject, metrics, baselines and controls; knows no network and no files."""
