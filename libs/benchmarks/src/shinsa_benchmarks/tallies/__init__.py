"""From outcomes to numbers with intervals. Pure: the same outcomes give the same scores in any order."""

from shinsa_benchmarks.tallies.comparison import Comparison, compare, differing
from shinsa_benchmarks.tallies.measured import Recorded
from shinsa_benchmarks.tallies.scores import Score, sample_values, sample_weights, tally

__all__ = ["Comparison", "Recorded", "Score", "compare", "differing", "sample_values", "sample_weights", "tally"]
