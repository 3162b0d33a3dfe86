"""How are predictions made during a recording, over the Lab Streaming Layer?"""
