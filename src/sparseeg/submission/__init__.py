"""How is a submission to the EEG Foundation Challenge packed from runs, and how does one score?"""
