"""What a search tries next, by Optuna's samplers. Optuna keeps nothing: each answer is worked out anew.

The answer for trial n depends on the spec, on n, and for `tpe` on the trials up to n - parallel, which have ended by
then, and on nothing else. So it does not matter who asks, when, or how often.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.samplers import BaseSampler, GridSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState, create_trial

from app.jobs.searches import Trial
from app.jobs.specs import TrainingSearchSpec
from app.jobs.specs.search import Choice, is_whole

STATES = {"succeeded": TrialState.COMPLETE, "pruned": TrialState.PRUNED}

optuna.logging.set_verbosity(optuna.logging.WARNING)


def propose(spec: TrainingSearchSpec, number: int, trials: Sequence[Trial]) -> dict[str, Any] | None:
    """Returns the settings of trial `number`, which comes after `trials`; None while `tpe` waits for the end of one."""
    distributions = _distributions(spec)
    if spec.sampler == "grid":
        values = {name: one.values for name, one in spec.space.items() if isinstance(one, Choice)}
        study = _study(GridSampler(values, seed=spec.seed))
        return [study.ask(distributions).params for _ in range(number + 1)][-1]
    if spec.sampler == "random":
        return _study(RandomSampler(seed=_mix(spec.seed, number))).ask(distributions).params
    ended = max(0, number - spec.parallel + 1)
    if any(trial.is_open for trial in trials[:ended]):
        return None
    study = _study(TPESampler(seed=_mix(spec.seed, number), constant_liar=True))
    study.add_trials([_freeze(trial, distributions, is_known=trial.number < ended) for trial in trials])
    return study.ask(distributions).params


def measure_importance(spec: TrainingSearchSpec, trials: Sequence[Trial]) -> dict[str, float] | None:
    """Returns how much each setting matters for reaching a good value, 1 in all; None if that cannot be told.

    By PED-ANOVA (Watanabe et al. 2023), which asks how the settings of the best tenth differ from all.
    """
    study, distributions = _study(RandomSampler(seed=spec.seed)), _distributions(spec)
    complete = [trial for trial in trials if trial.status == "succeeded"]
    if len({trial.value for trial in complete}) < 2:
        return None
    study.add_trials([_freeze(trial, distributions, is_known=True) for trial in complete])
    importance = get_param_importances(study, evaluator=PedAnovaImportanceEvaluator())
    return {name: float(share) for name, share in importance.items()}


def _study(sampler: BaseSampler) -> optuna.Study:
    return optuna.create_study(direction="maximize", sampler=sampler)


def _distributions(spec: TrainingSearchSpec) -> dict[str, BaseDistribution]:
    return {name: _distribution(name, dimension) for name, dimension in spec.space.items()}


def _distribution(name: str, dimension: Any) -> BaseDistribution:
    if isinstance(dimension, Choice):
        return CategoricalDistribution(dimension.values)
    if is_whole(name):
        return IntDistribution(int(dimension.low), int(dimension.high), log=dimension.log)
    return FloatDistribution(dimension.low, dimension.high, log=dimension.log)


def _freeze(trial: Trial, distributions: dict[str, BaseDistribution], *, is_known: bool) -> FrozenTrial:
    """The trial as Optuna's; as one that still runs if its end is not to be known."""
    state = STATES.get(trial.status, TrialState.FAIL) if is_known else TrialState.RUNNING
    return create_trial(
        state=state,
        params=trial.params,
        distributions=distributions,
        value=trial.value if state == TrialState.COMPLETE else None,
        intermediate_values={trial.epochs: trial.value} if state == TrialState.PRUNED and trial.value else None,
    )


def _mix(seed: int, number: int) -> int:
    """Returns a seed of 32 bits: that of the next search and of the next trial have nothing in common with it."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{number}".encode()).digest()[:4], "big")
