"""Plan the steps of a network so that its memory stays within a bound."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from roilab.tiling.graph import Graph
from roilab.tiling.memory_model import MemoryModel

REGION = -1  # target of the step that runs the region
_FEWEST_ROWS = 8  # of a band at the input's size
_OVER_BOUND = 1e3  # penalty of memory at twice the bound, in times of the plan of full images
_ROUNDS = 40


class Keep(Enum):
    """How long a full image of features is stored."""

    NEVER = 0  # not stored: computed again, in bands, in every step that needs it
    PASSING = 1  # stored until a step does not read it; then as NEVER
    ALWAYS = 2  # stored until its last reader


@dataclass(frozen=True)
class Step:
    """Computation of one image of features, in full or in bands.

    Attributes:
        target: number of its node; ``REGION`` for the outputs of the region.
        rows: of the target per band; at least its height for a full image.
        active: numbers of the nodes that the step computes; the target is the last.
        dropped: numbers of the images that no later step reads.
    """

    target: int
    rows: int
    active: list[int]
    dropped: list[int]


@dataclass(frozen=True)
class Plan:
    """Steps, in order, and their cost by the memory model.

    Attributes:
        steps: of the network.
        peak: largest memory, with the input image [bytes].
        seconds: computing time; only ratios are meaningful.
    """

    steps: list[Step]
    peak: int
    seconds: float


def optional_images(graph: Graph) -> list[int]:
    """Return images that may be worth storing: with several readers, or next to a resize."""
    users = Counter(i for node in graph.nodes for i in node.inputs)
    resized = set()
    for number, node in enumerate(graph.nodes):
        for i in node.inputs:
            if graph.nodes[i].stride != node.stride:
                resized |= {i, number} if node.stride > graph.nodes[i].stride else {i}
    last = len(graph.nodes) - 1
    stored = {0, last, *graph.region_inputs, *graph.region_outputs}
    return [n for n in range(last) if n not in stored and (users[n] > 1 or n in resized)]


def plan_full_images(model: MemoryModel) -> Plan:
    """Plan all images in full, without storing any that the order does not require."""
    return build_plan(model, {}, bound=None)


def plan_within(model: MemoryModel, bound: int) -> Plan:
    """Return the fastest plan found within a bound [bytes]; else the one with least memory.

    A local search: start from two plans, and change in each round how long one image is stored.
    """
    full = plan_full_images(model)
    if full.peak <= bound:
        return full
    options = optional_images(model.graph)

    def penalty(plan: Plan) -> float:
        return plan.seconds / full.seconds + _OVER_BOUND * max(0, plan.peak - bound) / bound

    best = full
    for start in (Keep.PASSING, Keep.NEVER):
        keep = dict.fromkeys(options, start)
        plan = build_plan(model, keep, bound)
        for _ in range(_ROUNDS):
            moves = [{**keep, n: k} for n in options for k in Keep if k != keep[n]]
            plans = [build_plan(model, move, bound) for move in moves]
            scores = [penalty(p) for p in plans]
            index = min(range(len(scores)), key=scores.__getitem__)
            if scores[index] >= penalty(plan) - 1e-6:
                break
            keep, plan = moves[index], plans[index]
        if penalty(plan) < penalty(best):
            best = plan
    return best


def build_plan(model: MemoryModel, keep: Mapping[int, Keep], bound: int | None) -> Plan:
    """Return the steps for a choice of stored images, in bands within a bound [bytes].

    ``keep`` has how long each optional image is stored; an absent one is never stored. Without a
    bound, images are computed in full.
    """
    graph = model.graph
    order = _order(graph, keep)
    actives = _active_nodes(model, order, keep)
    last_reads = _last_reads(graph, order, actives)
    kept = {0, len(graph.nodes) - 1}  # the input belongs to the caller; the last is the output
    steps, peak, seconds = [], 0, 0.0
    stored = {0: model.image_bytes(0)}
    for position, (target, active) in enumerate(zip(order, actives, strict=True)):
        stored_bytes = sum(stored.values())
        outputs = graph.region_outputs if target == REGION else [target]
        if target == REGION:
            rows, step_peak = 0, model.region_peak
        else:
            rows = _choose_rows(model, active, None if bound is None else bound - stored_bytes)
            cost = model.step_cost(active, rows)
            in_full = rows >= model.heights[target]
            step_peak = cost.peak + (0 if in_full else model.image_bytes(target))
            seconds += cost.seconds
        peak = max(peak, stored_bytes + step_peak)
        stored |= {n: model.image_bytes(n) for n in outputs}
        dropped = [n for n in stored if last_reads.get(n, -1) <= position and n not in kept]
        for number in dropped:
            del stored[number]
        steps.append(Step(target, rows, list(active), dropped))
    return Plan(steps, peak, seconds)


def _order(graph: Graph, keep: Mapping[int, Keep]) -> list[int]:
    """Return the targets in order; the region comes before the nodes that follow it."""
    last = len(graph.nodes) - 1
    kept = {n for n, k in keep.items() if k is not Keep.NEVER}
    order: list[int] = sorted({*kept, *graph.region_inputs, last} - {0})
    if graph.region is not None:
        first = graph.region_outputs[0]
        order.insert(sum(n < first for n in order), REGION)
    return order


def _active_nodes(
    model: MemoryModel, order: list[int], keep: Mapping[int, Keep]
) -> list[tuple[int, ...]]:
    """Return the nodes that each step computes, given the images stored before it."""
    graph, available = model.graph, {0}
    actives: list[tuple[int, ...]] = []
    waiting = set(graph.region_inputs)
    for target in order:
        if target == REGION:
            actives.append(())
            available |= set(graph.region_outputs)
            waiting = set()
            continue
        active = model.active_nodes(target, frozenset(available))
        actives.append(active)
        passing = {n for n in available if keep.get(n) is Keep.PASSING}
        available -= passing - _read(graph, active) - waiting
        available.add(target)
    return actives


def _read(graph: Graph, active: tuple[int, ...]) -> set[int]:
    """Return the stored images that a step reads."""
    return {i for n in active for i in graph.nodes[n].inputs} - set(active)


def _last_reads(graph: Graph, order: list[int], actives: list[tuple[int, ...]]) -> dict[int, int]:
    """Return the position of the last step that reads each image."""
    last_reads: dict[int, int] = {}
    for position, (target, active) in enumerate(zip(order, actives, strict=True)):
        for number in graph.region_inputs if target == REGION else _read(graph, active):
            last_reads[number] = position
    return last_reads


def _choose_rows(model: MemoryModel, active: tuple[int, ...], room: int | None) -> int:
    """Return the rows of a band: all where there is room [bytes], else by halving."""
    target = active[-1]
    height, stride = model.heights[target], model.graph.nodes[target].stride
    if room is None or model.step_cost(active, height).peak <= room:
        return height
    fewest = max(_FEWEST_ROWS // stride, 1)
    rows = height
    while rows > fewest:
        rows = max((rows + 1) // 2, fewest)
        if model.step_cost(active, rows).peak + model.image_bytes(target) <= room:
            break
    return rows
