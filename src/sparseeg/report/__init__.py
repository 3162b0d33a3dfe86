"""How are results shown: tables, figures and the page about a run?"""
