"""Linear networks on the space of datasets: the exact theory and what it is held against.

datasets, theory: the space and its closed forms. prediction, stability: gradient descent in its finite steps.
training, weights, blocks: gradient descent that never forms X and Y; descent: the same with dense matrices.
learning_rules, modules, full_rank, generalisation, cost: one question of the paper each. curves: how recorded
curves are counted. arguments: what the closed forms refuse. steps, optimisers: sign descent, Adam, Muon, mirror
descent; flows: their courses; geometry, remedies: what follows from them.
"""
