"""How do files get written whole, read safely and kept for one writer?"""
