"""Every number that a chapter states, compared with what was expected of it beforehand.

ledger: what a chapter uses. expected: the file of expected numbers. tolerances: their kinds. tables: how they are
shown.
"""

from lib.checks.expected import LedgerError
from lib.checks.ledger import Ledger

__all__ = ["Ledger", "LedgerError"]
