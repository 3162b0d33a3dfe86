"""How are trained networks exported to other formats, and checked against the original?"""
