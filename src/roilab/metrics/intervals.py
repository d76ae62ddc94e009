"""Statistical intervals of 68.27%, the probability within one standard deviation of a normal."""

import math

from scipy.special import betaincinv

LEVEL = 0.6827


def clopper_pearson(k: int, n: int) -> tuple[float, float]:
    """Return the bounds of the Clopper-Pearson interval of the fraction k / n; NaN for n = 0.

    It is exact at 0 and 1 too, where the normal approximation gives an error of 0
    (C. Clopper and E. Pearson, Biometrika 26 (1934) 404).
    """
    if n == 0:
        return math.nan, math.nan
    # scipy.stats has this interval too, but takes a second to import.
    tail = (1 - LEVEL) / 2
    low = betaincinv(k, n - k + 1, tail) if k > 0 else 0.0
    high = betaincinv(k + 1, n - k, 1 - tail) if k < n else 1.0
    return float(low), float(high)
