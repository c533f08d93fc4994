"""What the companion paper's own result files say, counted.

The table results/break_it_down.csv was made from the result files at commit 20b3b019 of
https://github.com/mlepori1/Compositional_Subnetworks (folders Mask_Training and Random_Training of Vision/Results
and Language/Results, 183 files): a row for every base network and rule, whose accuracies are means over the three
masks of their final test. `own` is the partition of the composite's test whose odd one breaks the mask's rule only,
`other` the one whose odd one breaks the other rule only; `ablated` is the network with the mask's weights set to 0.
"""

from pathlib import Path

import pandas as pd

TABLE = Path(__file__).resolve().parents[2] / "results" / "break_it_down.csv"
HIGH, LOW, SPARED = 0.9, 0.5, 0.7  # accuracies: done, not done, and still done after an ablation


def pairs() -> pd.DataFrame:
    """The table, a row a pair of base network and rule."""
    return pd.read_csv(TABLE)


def found(rows: pd.DataFrame, least: float = HIGH) -> pd.Series:
    """Whether the subnetwork does its own rule."""
    return rows.alone_own >= least


def selective_subnetwork(rows: pd.DataFrame) -> pd.Series:
    """Whether the subnetwork does its own rule and not the other."""
    return found(rows) & (rows.alone_other <= LOW)


def selective_ablation(rows: pd.DataFrame) -> pd.Series:
    """Whether the network without the subnetwork fails on the own rule and still does the other."""
    return (rows.ablated_own <= LOW) & (rows.ablated_other >= SPARED)
