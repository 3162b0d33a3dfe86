"""Decode behaviour from EEG with attention whose cost grows linearly."""

__version__ = "0.2.0.dev0"
