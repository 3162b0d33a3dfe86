"""How is a network trained on labelled windows, and its run continued after an interruption?"""
