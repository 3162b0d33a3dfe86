"""From labelled windows to a trained network in a run folder."""
