"""How large a step may be: the learning rates at which gradient descent is stable."""

from lib.linear.datasets import Dataset
from lib.linear.theory import modes, split_datasets
from lib.linear.weights import ARCHITECTURES
from lib.validation import check_choice


def learning_rate_bound(dataset: Dataset, architecture: str) -> float:
    """The learning rate below which gradient descent is stable at the solution.

    Shallow: 2/(P δ_max). Deep, at balanced weights: 2/(P max δ_β(π_α + π_β)) over all pairs of modes, where π
    are asymptotes. With α = β that is 1/(Pλ_max), the bound unless a mode of lower λ has a higher asymptote.
    Split: the smaller bound of its modules. Raises ValueError for another architecture. Source: the steps chapter,
    proposition on the largest stable step.
    """
    check_choice("architecture", architecture, ARCHITECTURES)
    if architecture == "split":
        return min(learning_rate_bound(part, "deep") for part in split_datasets(dataset) if part)
    m = modes(dataset)
    if architecture == "shallow":
        return float(2 / (dataset.P * m.input_variance.max()))
    variance, asymptote = m.input_variance[m.multiplicity > 0], m.asymptote[m.multiplicity > 0]
    return float(2 / (dataset.P * (variance * (asymptote + asymptote.max())).max()))


def learning_rate_limit(dataset: Dataset, architecture: str) -> float:
    """The learning rate above which gradient descent settles nowhere: no weights that solve the task are stable.

    Shallow: the bound. Deep: 1/(P λ_max), since any factors of the solution have ‖W₁v‖² + ‖W₂ᵀu‖² ≥ 2π along a
    mode and hence a curvature of at least 2Pδπ = 2Pλ. Split: the smaller limit of its modules. Between bound and
    limit gradient descent may settle in unbalanced weights. Raises ValueError for another architecture.
    Source: the steps chapter.
    """
    if architecture == "split":
        return min(learning_rate_limit(part, "deep") for part in split_datasets(dataset) if part)
    if architecture == "deep":
        m = modes(dataset)
        return float(1 / (dataset.P * m.singular_value[m.multiplicity > 0].max()))
    return learning_rate_bound(dataset, architecture)
