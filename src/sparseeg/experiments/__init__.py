"""How do a run and a comparison come about: splits, seeds and models, in a folder that can be resumed?"""
