"""One step of any network, derived line by line: any layers, activation, biases, loss, samples and optimizer."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import add
from typing import Any

from models.backprop.derivation.equations import Chain, E_total, Equations, chain, d, learning_rate
from models.backprop.derivation.formulas import Formula, half_square, sigmoid
from models.backprop.derivation.steps import render_step
from models.backprop.network import Array
from models.backprop.sweeps.optimizers import Adam, Momentum, Optimizer, Rule
from models.backprop.sweeps.task import Task, count_parameters, split


@dataclass(frozen=True)
class Symbols:
    """The names of a network's quantities: those of the 2-2-2 network, or numbered by layer and unit."""

    layers: tuple[int, ...]

    @property
    def has_short_names(self) -> bool:
        return self.layers == (2, 2, 2)

    def sum(self, layer: int, unit: int, sample: str) -> Formula:
        if self.has_short_names:
            return _named("_ho"[layer], unit, sample)
        return Formula(f"z{layer}_{unit}{sample}", f"z^{{({layer}){sample}}}_{{{unit}}}")

    def activation(self, layer: int, unit: int, sample: str) -> Formula:
        if layer == 0:
            return _named("i", unit, sample)
        if self.has_short_names:
            inner = self.sum(layer, unit, "")
            return Formula(f"a_{inner.text}{sample}", _with_sample(f"a_{{{inner.latex}}}", sample))
        return Formula(f"a{layer}_{unit}{sample}", f"a^{{({layer}){sample}}}_{{{unit}}}")

    def weight(self, layer: int, unit: int, source: int) -> Formula:
        if self.has_short_names:
            number = 4 * (layer - 1) + 2 * (unit - 1) + source
            return Formula(f"w{number}", f"w_{number}")
        return Formula(f"w{layer}_{unit}_{source}", f"w^{{({layer})}}_{{{unit},{source}}}")

    def bias(self, layer: int, unit: int) -> Formula:
        if self.has_short_names:
            number = 2 * (layer - 1) + unit
            return Formula(f"b{number}", f"b_{number}")
        return Formula(f"b{layer}_{unit}", f"b^{{({layer})}}_{{{unit}}}")


def _with_sample(latex: str, sample: str) -> str:
    return f"{latex}^{{{sample}}}" if sample else latex


def _named(letter: str, number: int, sample: str) -> Formula:
    return Formula(f"{letter}{number}{sample}", _with_sample(f"{letter}_{number}", sample))


def count_steps(task: Task) -> int:
    """The lines of the derivation."""
    samples, outputs, units = len(task.inputs), task.layers[-1], sum(task.layers[1:])
    parameters = count_parameters(task.layers, has_biases=task.has_biases)
    forward, errors = 2 * units, outputs + 1
    gradients = parameters + units - outputs + (outputs if task.loss == "cross_entropy" else 0)
    means = parameters + 1 if samples > 1 else 0
    of_an_update = {"gradient_descent": 1, "momentum": 2, "adam": 5}[task.rule.name]
    return samples * (forward + errors + gradients) + means + parameters * of_an_update


@dataclass
class _Derivation:
    task: Task
    symbols: Symbols
    values: dict[str, float]
    steps: list[dict[str, Any]] = field(default_factory=list)
    parts: dict[str, dict[str, float]] = field(default_factory=lambda: {"forward": {}, "errors": {}, "gradients": {}})

    def let(self, section: str, symbol: Formula, formula: Formula) -> None:
        """A line: the symbol is the formula."""
        self.values[symbol.text] = float(formula.evaluate(self.values))
        self.steps.append(render_step(section, symbol, formula, self.values))
        if section in ("forward", "error"):
            self.parts["errors" if section == "error" else section][symbol.text] = self.values[symbol.text]

    def derive(self, error: Formula, below: Formula, by: Chain) -> None:
        """A line: the derivative of the error by a symbol, by the chain rule."""
        symbol, name = d(error, below), below.text
        value = float(by.formula.evaluate(self.values))
        self.values |= {symbol.text: value, _by(error, below).text: value}
        self.steps.append(render_step("gradient", symbol, by.formula, self.values, by))
        self.parts["gradients"][name if error is E_total else symbol.text] = value


def derive_step(task: Task, parameters: Array, rate: float, *, optimizer: Optimizer | None = None) -> dict[str, Any]:
    """One step from these parameters, in the order of `Task.start`.

    `optimizer` is its state before the step: what momentum and Adam remember of the steps before; None at the start.
    """
    symbols = Symbols(task.layers)
    names = _parameter_symbols(task, symbols)
    values = {name.text: float(value) for name, value in zip(names, parameters, strict=True)}
    found = _Derivation(task, symbols, values | {learning_rate.text: rate, ONE.text: 1.0})
    count = len(task.inputs)
    marks = [""] if count == 1 else [f"[{number}]" for number in range(1, count + 1)]
    errors = [E_total if count == 1 else Formula(f"E{mark}", f"E^{{{mark}}}") for mark in marks]
    for mark, sample, targets in zip(marks, task.inputs.tolist(), task.targets.tolist(), strict=True):
        found.values |= {_named("i", at, mark).text: value for at, value in enumerate(sample, start=1)}
        found.values |= {_named("t", at, mark).text: value for at, value in enumerate(targets, start=1)}
    for mark in marks:
        _forward(found, mark)
    for mark, error in zip(marks, errors, strict=True):
        _errors(found, mark, error)
    if count > 1:
        found.let("error", E_total, _mean(errors))
    for mark, error in zip(marks, errors, strict=True):
        _gradients(found, mark, error)
    if count > 1:
        for name in names:
            mean = _mean([_by(error, name) for error in errors])
            found.values |= dict.fromkeys((d(E_total, name).text, _by(E_total, name).text), mean.evaluate(found.values))
            found.steps.append(render_step("gradient", d(E_total, name), mean, found.values))
            found.parts["gradients"][name.text] = found.values[d(E_total, name).text]
    updated = _updates(found, names, task.rule, optimizer)
    return found.parts | {"updated_weights": updated, "steps": found.steps}


def _parameter_symbols(task: Task, symbols: Symbols) -> list[Formula]:
    """The symbols of the parameters in the order of `Task.start`."""
    names: list[Formula] = []
    for layer, (weights, biases) in enumerate(split(task.start[None], task), start=1):
        _, units, sources = weights.shape
        names += [symbols.weight(layer, unit, at) for unit in range(1, units + 1) for at in range(1, sources + 1)]
        names += [symbols.bias(layer, unit) for unit in range(1, units + 1)] if biases is not None else []
    return names


def _forward(found: _Derivation, mark: str) -> None:
    symbols, task = found.symbols, found.task
    for layer, units in enumerate(task.layers[1:], start=1):
        sums = [symbols.sum(layer, unit, mark) for unit in range(1, units + 1)]
        is_softmax = task.loss == "cross_entropy" and layer == len(task.layers) - 1
        for unit, total in enumerate(sums, start=1):
            terms = [
                symbols.weight(layer, unit, source) * symbols.activation(layer - 1, source, mark)
                for source in range(1, task.layers[layer - 1] + 1)
            ]
            terms += [symbols.bias(layer, unit)] if task.has_biases else []
            found.let("forward", total, reduce(add, terms))
            if not is_softmax:
                found.let("forward", symbols.activation(layer, unit, mark), _activate(total, task.activation))
        for unit, total in enumerate(sums if is_softmax else (), start=1):
            found.let("forward", symbols.activation(layer, unit, mark), _softmax(total, sums))


def _errors(found: _Derivation, mark: str, error: Formula) -> None:
    last, outputs, parts = len(found.task.layers) - 1, found.task.layers[-1], []
    sums = [found.symbols.sum(last, unit, mark) for unit in range(1, outputs + 1)]
    for unit in range(1, outputs + 1):
        target, output = _named("t", unit, mark), found.symbols.activation(last, unit, mark)
        part = _named("E", unit, mark) if mark == "" else Formula(f"E{mark}_{unit}", f"E^{{{mark}}}_{{{unit}}}")
        parts.append(part)
        is_squared = found.task.loss == "squared_error"
        found.let("error", part, half_square(target - output) if is_squared else _surprise(target, output, sums, unit))
    found.let("error", error, reduce(add, parts))


def _gradients(found: _Derivation, mark: str, error: Formula) -> None:
    """From the outputs back to the inputs."""
    symbols, task = found.symbols, found.task
    last = len(task.layers) - 1
    for layer in range(last, 0, -1):
        if task.loss == "cross_entropy" and layer == last:
            for unit in range(1, task.layers[last] + 1):
                _derive_softmax(found, mark, error, unit)
        for unit in range(1, task.layers[layer] + 1):
            total, path = symbols.sum(layer, unit, mark), _path(found, mark, error, layer, unit)
            for source in range(1, task.layers[layer - 1] + 1):
                weight, before = symbols.weight(layer, unit, source), symbols.activation(layer - 1, source, mark)
                found.derive(error, weight, chain(path | {d(total, weight): before}))
            if task.has_biases:
                bias = symbols.bias(layer, unit)
                found.derive(error, bias, chain(path | {d(total, bias): ONE}))
        for source in range(1, task.layers[layer - 1] + 1) if layer > 1 else ():
            before = symbols.activation(layer - 1, source, mark)
            paths = [
                _path(found, mark, error, layer, unit)
                | {d(symbols.sum(layer, unit, mark), before): symbols.weight(layer, unit, source)}
                for unit in range(1, task.layers[layer] + 1)
            ]
            found.derive(error, before, chain(*paths))


def _path(found: _Derivation, mark: str, error: Formula, layer: int, unit: int) -> Equations:
    """The derivatives from the error back to a unit's sum."""
    symbols, task = found.symbols, found.task
    total, activated = symbols.sum(layer, unit, mark), symbols.activation(layer, unit, mark)
    is_output = layer == len(task.layers) - 1
    if is_output and task.loss == "cross_entropy":
        return {d(error, total): _by(error, total)}
    above = activated - _named("t", unit, mark) if is_output else _by(error, activated)
    return {d(error, activated): above, d(activated, total): _slope(activated, task.activation)}


def _derive_softmax(found: _Derivation, mark: str, error: Formula, unit: int) -> None:
    """A sum reaches the error through every output; with targets that add up to 1, what is left is output - target."""
    layer = len(found.task.layers) - 1
    total, own = found.symbols.sum(layer, unit, mark), found.symbols.activation(layer, unit, mark)
    paths = []
    for other in range(1, found.task.layers[layer] + 1):
        target, output = _named("t", other, mark), found.symbols.activation(layer, other, mark)
        slope = own * (1 - own) if other == unit else _negated_product(output, own)
        paths.append({d(error, output): _negated_quotient(target, output), d(output, total): slope})
    by = chain(*paths)
    found.derive(error, total, Chain(by.paths, by.derivatives, own - _named("t", unit, mark)))


def _updates(found: _Derivation, names: Sequence[Formula], rule: Rule, optimizer: Optimizer | None) -> dict[str, float]:
    updated: dict[str, float] = {}
    found.values |= {"momentum": rule.momentum, "beta1": rule.beta1, "beta2": rule.beta2, "epsilon": rule.epsilon}
    found.values["t"] = (optimizer.steps if isinstance(optimizer, Adam) else 0) + 1
    for place, name in enumerate(names):
        base = f"{{{name.latex}}}" if "^" in name.latex else name.latex  # TeX refuses a second superscript
        new, step = Formula(f"{name.text}_new", f"{base}^{{new}}"), _by(E_total, name)
        if rule.name == "momentum":
            past = optimizer.velocity[0, place] if isinstance(optimizer, Momentum) else 0.0
            step = _velocity(found, name, float(past))
        elif rule.name == "adam":
            remembered = (
                (optimizer.mean[0, place], optimizer.square[0, place]) if isinstance(optimizer, Adam) else (0, 0)
            )
            step = _adapted(found, name, *map(float, remembered))
        found.let("update", new, name - learning_rate * step)
        updated[name.text] = found.values[new.text]
    return updated


def _velocity(found: _Derivation, name: Formula, past: float) -> Formula:
    before, after = _remembered(found, "v", name, past)
    found.let("update", after, Formula("momentum", r"\mu") * before + _by(E_total, name))
    return after


def _adapted(found: _Derivation, name: Formula, mean: float, square: float) -> Formula:
    slope, t = _by(E_total, name), Formula("t", "t")
    corrected = []
    for letter, past, beta, new in (
        ("m", mean, Formula("beta1", r"\beta_1"), slope),
        ("s", square, Formula("beta2", r"\beta_2"), _squared(slope)),
    ):
        before, after = _remembered(found, letter, name, past)
        found.let("update", after, beta * before + (1 - beta) * new)
        hat = Formula(f"{letter}_{name.text}_hat", rf"\hat{{{letter}}}_{{{name.latex}}}")
        correction = Formula(
            "{} / (1 - {}**{})", r"\frac{{{}}}{{1 - {}^{}}}", (after, beta, t), lambda x, b, n: x / (1 - b**n)
        )
        found.let("update", hat, correction)
        corrected.append(hat)
    return Formula(
        "{} / (sqrt({}) + {})",
        r"\frac{{{}}}{{\sqrt{{{}}} + {}}}",
        (*corrected, Formula("epsilon", r"\varepsilon")),
        lambda m, s, epsilon: m / (math.sqrt(s) + epsilon),
    )


def _remembered(found: _Derivation, letter: str, name: Formula, past: float) -> tuple[Formula, Formula]:
    """What an optimizer remembers of a weight, before and after the step."""
    before = Formula(f"{letter}_{name.text}", f"{letter}_{{{name.latex}}}")
    found.values[before.text] = past
    return before, Formula(f"{before.text}_new", f"{before.latex}^{{new}}")


ONE = Formula("1", "1")


def _by(error: Formula, below: Formula) -> Formula:
    """A derivative that is known already, where another formula uses it: its text is a name in Python."""
    prefix = "dE_d" if error is E_total else f"d{error.text}_d"
    return Formula(f"{prefix}{below.text}", d(error, below).latex)


def _mean(terms: Iterable[Formula]) -> Formula:
    parts = tuple(terms)
    text, latex = " + ".join("{}" for _ in parts), " + ".join("{}" for _ in parts)
    count = len(parts)
    return Formula(
        f"({text}) / {count}", rf"\frac{{{{1}}}}{{{{{count}}}}} \left({latex}\right)", parts, lambda *x: sum(x) / count
    )


def _squared(x: Formula) -> Formula:
    return Formula("{}**2", r"\left({}\right)^2", (x,), lambda value: value * value)


def _surprise(target: Formula, output: Formula, sums: Sequence[Formula], unit: int) -> Formula:
    """Computed from the sums, as the sweep does: the logarithm is finite where the output underflows to 0."""
    operands = (target, output, sums[unit - 1], *sums)
    return Formula(
        "-{0} * log({1})", r"-{0} \ln {1}", operands, lambda t, _, *of_unit: -t * _log_softmax(*of_unit) if t else 0.0
    )


def _negated_quotient(target: Formula, output: Formula) -> Formula:
    return Formula("-{} / {}", r"-\frac{{{}}}{{{}}}", (target, output), _negated_quotient_value)


def _negated_quotient_value(target: float, output: float) -> float:
    """Infinite where a softmax output has underflowed to 0, but 0 for a target of 0, as for any positive output."""
    if output == 0:
        return -math.inf if target else 0.0
    return -target / output


def _negated_product(one: Formula, other: Formula) -> Formula:
    return Formula("-{} * {}", r"-{} \, {}", (one, other), lambda x, y: -x * y)


def _softmax(total: Formula, sums: Sequence[Formula]) -> Formula:
    terms = " + ".join("exp({})" for _ in sums)
    latex = " + ".join("e^{{{}}}" for _ in sums)
    return Formula(
        f"exp({{}}) / ({terms})", rf"\frac{{{{e^{{{{{{}}}}}}}}}}{{{{{latex}}}}}", (total, *sums), _softmax_value
    )


def _softmax_value(own: float, *sums: float) -> float:
    return math.exp(_log_softmax(own, *sums))


def _log_softmax(own: float, *sums: float) -> float:
    highest = max(sums)
    return own - highest - math.log(sum(math.exp(each - highest) for each in sums))


def _activate(x: Formula, activation: str) -> Formula:
    if activation == "sigmoid":
        return sigmoid(x)
    if activation == "tanh":
        return Formula("tanh({})", r"\tanh\left({}\right)", (x,), math.tanh)
    return Formula("max(0, {})", r"\max\left(0, {}\right)", (x,), lambda value: max(0.0, value))


def _slope(activated: Formula, activation: str) -> Formula:
    if activation == "sigmoid":
        return activated * (1 - activated)
    if activation == "tanh":
        return Formula("(1 - {}**2)", r"\left(1 - \left({}\right)^2\right)", (activated,), lambda a: 1 - a**2)
    return Formula("({} > 0)", r"\left[{} > 0\right]", (activated,), lambda a: float(a > 0))
