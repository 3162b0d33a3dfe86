"""The challenge's zip: made of trained runs, and scored, whoever made it."""
