"""How many pods a canary takes: arithmetic alone, on whole pods and weights in percent."""

# A budget lets one pod go at a time, so there is one more than must stay.
_FEWEST = 2


def by_pods(weight: int, least: int) -> tuple[int, int]:
    """Pods of the version that is there, and of the canary, where every pod gets as many requests.

    The canary's part is as near to the weight as whole pods allow, and never above it; the version that is
    there has at least `least` pods, and two. 10 % is 9 to 1.
    """
    fewest, canary = max(least, _FEWEST), 1
    while (stable := _above(canary * (100 - weight), weight)) < fewest:
        canary += 1
    return stable, canary


def by_requests(weight: int, least: int, most: int) -> tuple[int, int]:
    """The fewest and the most pods of a canary that gets `weight` percent of what `least` to `most` pods get.

    At least two, so that one pod's end is not a failed canary, and with room to grow.
    """
    fewest = max(_FEWEST, _above(least * weight, 100))
    return fewest, max(fewest + 1, _above(most * weight, 100))


def _above(dividend: int, divisor: int) -> int:
    return -(-dividend // divisor)
