"""Decode behaviour from EEG with attention whose cost grows linearly."""

__version__ = "0.1.0"
