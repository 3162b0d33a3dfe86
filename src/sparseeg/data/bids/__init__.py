"""What is in a BIDS folder, and which windows are in it?"""
