"""What is in a BIDS folder: which recordings, subjects and trials?"""
