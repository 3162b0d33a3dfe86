"""Predictions while a recording is running, over the Lab Streaming Layer."""
