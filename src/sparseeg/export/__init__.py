"""Trained networks in the formats of others, each checked against the network it was made of."""
