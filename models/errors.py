"""The errors of `models`. Each message is a sentence for the person who has to act on it."""


class ModelError(Exception):
    """The base of this package's errors. Its message says what happened, where, and what to do."""


class DatasetUnavailable(ModelError):
    """Raised if the training pictures are not on this machine and cannot be downloaded."""


class DatasetUnusable(ModelError):
    """Raised if a network cannot be trained on a data set: it is empty, of one digit only, or too small."""


class ArchiveRefused(ModelError):
    """Raised if an uploaded data set cannot be read: it is damaged, of another format, or made to do harm."""


class ArchiveTooLarge(ArchiveRefused):
    """Raised if an uploaded data set has more files, bytes or pixels than are read."""


class DeviceUnavailable(ModelError):
    """Raised if this machine does not have the requested device."""


class TrainingDiverged(ModelError):
    """Raised if the loss of a training is not a finite number."""


class BatchTooLarge(ModelError):
    """Raised if a training's batch has more pictures than its data set has for training."""


class CheckpointUnusable(ModelError):
    """Raised if a checkpoint is damaged or belongs to another training."""


class PictureRefused(ModelError):
    """Raised if a picture cannot be read: it is damaged, of another format, or holds more than is read at once."""


class PictureTooLarge(PictureRefused):
    """Raised if a picture has more pixels than are decoded."""


class DescriptorsExhausted(ModelError):
    """This process can open no more files, so it cannot tell whether a picture is good."""
