"""In which steps a network is evaluated, so that its memory stays within bounds."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from roilab.tiling.graph import Graph
from roilab.tiling.memory_model import Costs

REGION = -1  # a step's target, where it is the region
_FEWEST_ROWS = 8  # of a band at full size
_OVER = 1e3  # seconds that a plan is worse by for every byte over the bound, in its size's parts
_ROUNDS = 40


class Keep(Enum):
    """What becomes of an image of features."""

    NEVER = 0  # never whole: computed again, in bands, wherever it is needed
    PASSING = 1  # whole until a step does not need it, then computed again
    ALWAYS = 2  # whole as long as anything needs it


@dataclass(frozen=True)
class Step:
    """One image computed whole or in bands.

    Attributes:
        target: its node; ``REGION`` for those that the region gives.
        rows: of the target in a band; at least its height for no bands.
        active: the nodes computed on the way, the target last.
        dropped: images that no later step takes.
    """

    target: int
    rows: int
    active: list[int]
    dropped: list[int]


@dataclass(frozen=True)
class Plan:
    """Steps, and what they cost by the model.

    Attributes:
        steps: in order.
        peak: memory at the worst moment, with the image that goes in [bytes].
        seconds: only ratios mean something.
    """

    steps: list[Step]
    peak: int
    seconds: float


def candidates(graph: Graph) -> list[int]:
    """Images of features that it can be worth keeping: those between two sizes, and forks."""
    users = [0] * len(graph.nodes)
    resized = set()
    for number, node in enumerate(graph.nodes):
        for i in node.inputs:
            users[i] += 1
            if graph.nodes[i].stride != node.stride:
                resized |= {i, number} if node.stride > graph.nodes[i].stride else {i}
    last = len(graph.nodes) - 1
    given = {0, last, *graph.region_inputs, *graph.region_outputs}
    return [n for n in range(last) if n not in given and (users[n] > 1 or n in resized)]


def whole(costs: Costs) -> Plan:
    """Everything on whole images, as little of it at a time as its order allows."""
    return arranged(costs, {}, bound=None, rows=None)


def within(costs: Costs, bound: int) -> Plan:
    """The quickest plan found whose memory stays within a bound [bytes], or the least memory.

    Starts from two plans and changes what becomes of one image after the other.
    """
    plain = whole(costs)
    if plain.peak <= bound:
        return plain
    options = candidates(costs.graph)

    def badness(plan: Plan) -> float:
        return plan.seconds / plain.seconds + _OVER * max(0, plan.peak - bound) / bound

    def tried(keep: Mapping[int, Keep]) -> Plan:
        return arranged(costs, keep, bound=bound, rows=None)

    best = plain
    for start in (Keep.PASSING, Keep.NEVER):
        keep = dict.fromkeys(options, start)
        plan = tried(keep)
        for _ in range(_ROUNDS):
            moves = [{**keep, n: k} for n in options for k in Keep if k != keep[n]]
            plans = [tried(move) for move in moves]
            scores = [badness(p) for p in plans]
            index = min(range(len(scores)), key=scores.__getitem__)
            if scores[index] >= badness(plan) - 1e-6:
                break
            keep, plan = moves[index], plans[index]
        if badness(plan) < badness(best):
            best = plan
    return best


def in_bands(costs: Costs, levels: int, band: int) -> Plan:
    """The outer levels in bands of so many channels, without keeping their features.

    Args:
        costs: for images of some size.
        levels: 1 for full size alone, 2 for half the size too, ...
        band: channels of the image.
    """
    inner, graph = 2**levels, costs.graph
    keep = {
        n: Keep.ALWAYS if graph.nodes[n].stride >= inner else Keep.NEVER for n in candidates(graph)
    }
    return arranged(costs, keep, bound=None, rows=band)


def arranged(costs: Costs, keep: Mapping[int, Keep], bound: int | None, rows: int | None) -> Plan:
    """Steps for a choice of what becomes of the images.

    Args:
        costs: of steps.
        keep: for the candidates.
        bound: memory that bands are to stay within [bytes]; ``None`` for ``rows``.
        rows: of the input's size in a band; ``None`` for whole images.
    """
    graph = costs.graph
    order = _order(graph, keep)
    actives = _actives(costs, order, keep)
    lives = _lives(graph, order, actives)
    steps, peak, seconds = [], 0, 0.0
    held = {0: costs.bytes_of(0)}
    for position, (target, active) in enumerate(zip(order, actives, strict=True)):
        stored = sum(held.values())
        made = graph.region_outputs if target == REGION else [target]
        if target == REGION:
            step_rows, step_peak = 0, costs.region
        else:
            room = None if bound is None else bound - stored
            step_rows = _choose_rows(costs, active, room, rows)
            cost = costs.step(active, step_rows)
            whole_target = step_rows >= costs.heights[target]
            step_peak = cost.peak + (0 if whole_target else costs.bytes_of(target))
            seconds += cost.seconds
        peak = max(peak, stored + step_peak)
        held |= {n: costs.bytes_of(n) for n in made}
        keeps = {0, len(graph.nodes) - 1}  # what comes in belongs to the caller
        dropped = [n for n in held if lives.get(n, -1) <= position and n not in keeps]
        for number in dropped:
            del held[number]
        steps.append(Step(target, step_rows, list(active), dropped))
    return Plan(steps, peak, seconds)


def _order(graph: Graph, keep: Mapping[int, Keep]) -> list[int]:
    """Targets, the region before whatever comes after it."""
    last = len(graph.nodes) - 1
    kept = {n for n, k in keep.items() if k is not Keep.NEVER}
    order: list[int] = sorted({*kept, *graph.region_inputs, last} - {0})
    if graph.region is not None:
        first = graph.region_outputs[0]
        order.insert(sum(n < first for n in order), REGION)
    return order


def _actives(costs: Costs, order: list[int], keep: Mapping[int, Keep]) -> list[tuple[int, ...]]:
    """What every step computes, given which images are still there."""
    graph, available = costs.graph, {0}
    actives: list[tuple[int, ...]] = []
    waiting = set(graph.region_inputs)
    for target in order:
        if target == REGION:
            actives.append(())
            available |= set(graph.region_outputs)
            waiting = set()
            continue
        active = costs.active(target, frozenset(available))
        actives.append(active)
        taken = {i for n in active for i in graph.nodes[n].inputs} - set(active)
        passing = {n for n in available if keep.get(n) is Keep.PASSING}
        available -= passing - taken - waiting
        available.add(target)
    return actives


def _lives(graph: Graph, order: list[int], actives: list[tuple[int, ...]]) -> dict[int, int]:
    """The last step that takes each image."""
    lives: dict[int, int] = {}
    for position, (target, active) in enumerate(zip(order, actives, strict=True)):
        taken = {i for n in active for i in graph.nodes[n].inputs} - set(active)
        for number in graph.region_inputs if target == REGION else taken:
            lives[number] = position
    return lives


def _choose_rows(costs: Costs, active: tuple[int, ...], room: int | None, rows: int | None) -> int:
    """Rows of a band: all, as many as there is room for, or as many as asked for."""
    target = active[-1]
    height, stride = costs.heights[target], costs.graph.nodes[target].stride
    if rows is not None:
        return max(rows // stride, 1)
    if room is None or costs.step(active, height).peak <= room:
        return height
    fewest = max(_FEWEST_ROWS // stride, 1)
    choice = height
    while choice > fewest:
        choice = max((choice + 1) // 2, fewest)
        if costs.step(active, choice).peak + costs.bytes_of(target) <= room:
            break
    return choice
