"""Pictures and pages made from what stands in a run folder."""
