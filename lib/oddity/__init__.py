"""Oddity tasks: which of four stimuli breaks a rule made of two? The companion paper's experiments in small.

rendering, sentences: the stimuli. items: fours of stimuli, the loss and the accuracy. networks: who embeds them,
and how they are trained. masks: subnetworks of a part of a network. planted: heads whose halves are known.
experiments: the records. facts: what the companion paper's own result files say.
"""
