"""Errors that a user can cause: one line each, exit code 2.

EnsembleError
├── ConfigError      a setting is unknown, not allowed, or contradicts another
├── DataError        a data set, task file or submission is not what it should be
├── RunError         a run folder cannot be written, or belongs to other data
└── ModelError       a model cannot be loaded or does not fit the device
"""


class EnsembleError(Exception):
    """Say in one line what came, what is allowed and what to do."""


class ConfigError(EnsembleError):
    """Say which setting is wrong."""


class DataError(EnsembleError):
    """Say which file, task, pair and cell is wrong."""


class RunError(EnsembleError):
    """Say why a run folder cannot be used."""


class ModelError(EnsembleError):
    """Say why a model cannot be used."""
