"""How do MNE epochs become windows?"""
