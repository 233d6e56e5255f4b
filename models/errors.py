"""What can go wrong in `models`, each with a sentence for the person who has to act on it."""


class ModelError(Exception):
    """The root of this package's errors; `str(error)` says what happened, where, and what to do."""


class DatasetUnavailable(ModelError):
    """The pictures to train on are not here and could not be fetched."""


class DeviceUnavailable(ModelError):
    """The device that was asked for is not in this machine."""


class TrainingDiverged(ModelError):
    """The loss of a training is no longer a number."""


class CheckpointUnusable(ModelError):
    """A checkpoint is damaged or belongs to another training."""


class PictureRefused(ModelError):
    """What was sent cannot be read as a picture."""


class PictureTooLarge(PictureRefused):
    """The picture has more pixels than this service decodes."""
