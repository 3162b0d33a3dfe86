"""How does a recording become microvolts at one rate, with one set of channels?"""
