"""How fast, large and accurate are layers and networks: interleaved repeats, medians, and a lower bound?"""
