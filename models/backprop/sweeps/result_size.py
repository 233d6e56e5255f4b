"""How large the result of a sweep is, as a JSON document and as the file of arrays beside it: its spec decides both."""

from dataclasses import dataclass

from models.backprop.sweeps.downsampling import points_per_curve

MAX_RESULT_BYTES = 12 * 2**20  # of the document: as much as 10,000 learning rates of the 2-2-2 network take
MAX_FINAL_OUTPUTS = 100_000_000  # of all networks together: 400 MB as float32, as the curves of 50 million steps take
MAX_FLOAT64_NUMBERS = 10_000_000  # of an array; the numbers of a larger one are float32 (7 digits)

TRIAL_BYTES = 460  # of a trial in the document at most, without the curves and the final network
POINT_BYTES = 46  # of a point of a curve at most: the loss, the norm of the gradient, the epoch
NUMBER_BYTES = 30  # of a weight or an output at most: 24 characters, a comma, and its name or its brackets
HEADER_BYTES = 4096  # of the file


@dataclass(frozen=True)
class ResultSize:
    """What a spec says about the size of its result."""

    rates: int
    epochs: int
    parameters: int  # weights and biases of a network
    outputs: int  # of a network: samples x units of the last layer
    max_points: int
    weight_points: int = 0  # epochs whose weights are in the document

    @property
    def points(self) -> int:
        """The points of each curve in the document."""
        return min(self.epochs + 1, points_per_curve(self.rates, max_points=self.max_points))

    @property
    def left_out(self) -> list[str]:
        """The fields of a trial for which the document has no room."""
        paths = self.weight_points * self.parameters * NUMBER_BYTES
        room = MAX_RESULT_BYTES - self.rates * (TRIAL_BYTES + POINT_BYTES * self.points + paths)
        room -= self.parameters * NUMBER_BYTES  # those before training
        left_out = []
        for field, numbers in (("final_weights", self.parameters), ("final_outputs", self.outputs)):
            size = self.rates * numbers * NUMBER_BYTES
            if size > room:
                left_out.append(field)
            else:
                room -= size
        return left_out

    @property
    def file_bytes(self) -> int:
        """The size of the file with all curves and networks; 0 if the document holds them, so that none is needed."""
        if self.points == self.epochs + 1 and not self.left_out:
            return 0
        losses, outputs = self.rates * (self.epochs + 1), self.rates * self.outputs
        curves = losses * (bytes_per_number(losses) + 4)  # the norms of the gradients are float32
        networks = outputs * bytes_per_number(outputs) + 8 * self.rates * self.parameters
        return curves + networks + 16 * self.rates + HEADER_BYTES


def bytes_per_number(count: int) -> int:
    """Returns the bytes of a number in an array of `count`: 8 for float64, 4 for float32."""
    return 8 if count <= MAX_FLOAT64_NUMBERS else 4
