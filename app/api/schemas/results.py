"""The results of jobs, one model per kind, and the figures that they share with the cards of versions."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from models.backprop.sweeps.outcomes import Outcome

Interval = tuple[float, float]
Probabilities = Annotated[list[float], Field(min_length=10, max_length=10)]


class Epoch(BaseModel):
    """One pass over the training pictures. Losses are mean negative log-likelihoods in nats."""

    epoch: int = Field(description="from 1")
    train_loss: float
    validation_loss: float
    validation_accuracy: float
    learning_rate: float = Field(description="that of the last step")
    images_per_second: float
    weights_sha256: str | None = Field(None, description="of the weights after this epoch")


class DigitFigures(BaseModel):
    """How well one digit is read."""

    digit: int
    total: int = Field(description="pictures of it")
    precision: float
    recall: float
    f1: float


class HardPicture(BaseModel):
    """A test picture whose label got a low probability."""

    index: int = Field(description="in the test set, from 0")
    label: int
    digit: int = Field(description="what the network says")
    probabilities: Probabilities


class Share(BaseModel):
    """How many pictures were read right."""

    accuracy: float
    correct: int
    total: int
    interval_95: Interval = Field(description="Wilson's 95 % interval of the accuracy")


class Evaluation(Share):
    """The figures of a network on one split."""

    loss: float = Field(description="mean negative log-likelihood in nats")
    confusion: list[list[int]] = Field(description="confusion[i][j]: pictures of digit i that were read as j")
    digits: list[DigitFigures] | None = Field(None, description="figures per digit")


class FinalEvaluation(Evaluation):
    """The figures of a network on the test set."""

    undisputed: Share | None = Field(None, description="without the 15 test pictures of MNIST with disputed labels")
    hardest: list[HardPicture] | None = Field(None, description="the hardest first")


class PictureFigures(BaseModel):
    """How a network reads pictures of the kinds that people send; the promotion gate compares these."""

    accuracy: float
    correct: int
    total: int
    accepted: int
    accepted_right: int
    probe_sha256: str = Field(description="of the pictures")


class CalibrationError(BaseModel):
    ece: float = Field(description="expected calibration error")
    nll: float = Field(description="mean negative log-likelihood in nats")


class Coverage(BaseModel):
    """What the acceptance threshold lets through on one split."""

    total: int
    accepted: int
    right: int = Field(description="of the accepted ones")
    coverage: float
    accuracy: float = Field(description="of the accepted ones")
    loss: float
    before: CalibrationError | None = Field(None, description="before the temperature is applied")
    after: CalibrationError | None = Field(None, description="after it is applied")


class Calibration(BaseModel):
    temperature: float
    min_margin: float = Field(description="the least margin between the two likeliest digits of an accepted prediction")
    least_confidence: float
    validation: Coverage
    test: Coverage


class MixedIn(BaseModel):
    """What was added to the training pictures."""

    name: str
    sha256: str
    share: float
    pictures: int


class UsedDataset(BaseModel):
    """The data set that a training used."""

    name: str
    sha256: str
    train: int | None = Field(None, description="training pictures")
    mixed: MixedIn | None = Field(None, description="what was added to them, if anything")


class Ancestor(BaseModel):
    version: str
    dataset: str
    sha256: str = Field(description="of the data set")


class Score(BaseModel):
    accuracy: float
    correct: int
    total: int


class Start(BaseModel):
    """The version whose weights a training started from."""

    version: str
    weights_sha256: str
    lineage: list[Ancestor] | None = Field(
        description="the data sets that those weights have seen; null where a card does not say"
    )
    test: Score | None = Field(None, description="how those weights read the test set; left out by older releases")


class TrainingResult(BaseModel):
    """A network that was trained, tested and registered."""

    model_version: str
    parameters: int
    test: FinalEvaluation
    validation: Evaluation
    train: Evaluation | None = None
    pictures: PictureFigures | None = None
    calibration: Calibration | None = None
    epochs: list[Epoch]
    seconds: float
    device: str
    dataset: UsedDataset
    start_from: Start | None = None
    promoted: bool = Field(description="whether it serves predictions from now on")
    promotion: str | None = Field(None, description="why")


class TrialResult(BaseModel):
    """The result of a training that is a trial of a search: judged on the validation set, and not registered."""

    value: float = Field(description="validation accuracy after the last epoch")
    pruned: bool
    seconds: float
    device: str
    epochs: list[Epoch]
    dataset: UsedDataset


class SweepWeights(BaseModel):
    """w1 to w8 of the 2-2-2 network."""

    w1: float | None
    w2: float | None
    w3: float | None
    w4: float | None
    w5: float | None
    w6: float | None
    w7: float | None
    w8: float | None


class EpochsTo(BaseModel):
    """The first epoch whose loss is below each threshold; null for never."""

    below_1e_3: int | None = Field(alias="1e-3")
    below_1e_6: int | None = Field(alias="1e-6")
    target_loss: int | None = Field(None, description="only where the spec names one")


class StartAndEnd(BaseModel):
    """A figure before and after the training; null where it was not computed or is not finite."""

    start: float | None
    end: float | None


class SweepTrial(BaseModel):
    """The training of one network, at one learning rate. A number that is not finite is null."""

    learning_rate: float
    loss: list[float | None] = Field(description="before training, after epoch 1, ..., after the last epoch")
    loss_epochs: list[int] | None = Field(None, description="the epochs of `loss`, where the curve was downsampled")
    gradient_norms: list[float | None] = Field(description="at the same epochs as `loss`")
    final_weights: SweepWeights | list[list[list[float | None]]] | None = Field(
        description="w1 to w8, or a matrix per layer; null where `left_out` of the result names it"
    )
    final_biases: list[list[float | None]] | None = Field(None, description="of each layer but the inputs")
    final_outputs: list[float | None] | list[list[float | None]] | None = Field(
        description="of the only sample, or of each; null where `left_out` of the result names it"
    )
    weights: list[list[float | None]] | None = Field(
        None, description="at each of `weight_epochs` of the result, in the order of the file curves.npz"
    )
    outcome: Outcome
    epochs: int = Field(description="after how many the training ended")
    epochs_to: EpochsTo
    sharpness: StartAndEnd = Field(description="the largest eigenvalue of the Hessian")
    stability_limit: StartAndEnd = Field(description="2 / sharpness")


class Convergence(BaseModel):
    """Between which learning rates training converges within the epochs; null where there is none up to 1,000."""

    begins: float | None
    ends: float | None


class CriticalSearch(BaseModel):
    """The learning rates that were tried for `critical_learning_rate`."""

    lowest: float
    highest: float
    tried: int


class CurvesFile(BaseModel):
    """The file that GET /v1/jobs/{id}/curves.npz sends."""

    artifact: str
    sha256: str
    size: int


class SweepResult(BaseModel):
    trials: list[SweepTrial] = Field(description="in the order of `learning_rates`")
    best: float = Field(description="the learning rate with the lowest last loss")
    fastest: float | None = Field(description="the learning rate that was first below the lowest threshold reached")
    truncated: bool = Field(description="whether something is left out")
    left_out: list[str] = Field(description="the fields of a trial that the result has no room for")
    whole: str | None = Field(description="where what is left out can be had")
    curves: CurvesFile | None = Field(description="the file of all points; null where the result holds them all")
    critical_learning_rate: float | None = Field(description="the smallest at which the loss ever rises")
    convergence: Convergence | None
    critical_search: CriticalSearch | None = Field(description="null where the search would take too long")
    weight_epochs: list[int] | None = Field(None, description="the epochs of `weights`, where `weight_points` asks")
    notes: list[str] = Field([], description="what is to be known of the spec, such as targets that are never reached")
    initial_weights: SweepWeights | list[list[list[float]]] | None = Field(
        None, description="those before training, where they were drawn from `seed`"
    )
    initial_biases: list[list[float]] | None = Field(None, description="likewise, where there are biases")


class Digests(BaseModel):
    then: str | None
    now: str | None


class EpochDigest(BaseModel):
    weights_sha256: str | None
    train_loss: float | None
    validation_loss: float | None


class EpochDifference(BaseModel):
    """The first epoch that ended with other weights."""

    epoch: int
    then: EpochDigest
    now: EpochDigest


class Difference(BaseModel):
    """In what the environment differs from that of the first training."""

    what: str
    then: Any | None
    now: Any | None


class ReproductionResult(BaseModel):
    version: str
    equal: bool = Field(description="whether the weights are the same, bit for bit")
    compared: Literal["every epoch", "the end"]
    first_difference: EpochDifference | None
    weights_sha256: Digests
    differences: list[Difference]
    detail: str = Field(description="all of it in a sentence")


class BestTrial(BaseModel):
    number: int
    params: dict[str, Any]
    value: float = Field(description="validation accuracy")
    job_id: str


class Winner(BaseModel):
    """The training that tested and registered the network of the best trial."""

    job_id: str
    model_version: str | None
    test: FinalEvaluation | None
    promoted: bool | None


class SearchResult(BaseModel):
    best: BestTrial
    winner: Winner
    trials: dict[str, int] = Field(description="how many trials ended with each status")
    importance: dict[str, float] | None = Field(
        description="of each setting, from 0 to 1; null where it cannot be told from these trials"
    )
