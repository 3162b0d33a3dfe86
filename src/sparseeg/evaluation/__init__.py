"""How good are predictions: metrics, intervals, baselines and controls, without networks and files?"""
