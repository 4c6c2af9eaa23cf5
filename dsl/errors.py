"""Errors of the grid language.

DslError
├── GridError         not a grid: shape, value or dtype out of range
├── PrimitiveError    a primitive has no result on these arguments
├── RegistryError     a primitive cannot be registered, or is not known
└── ParseError        a program text that is not of the language
"""


class DslError(Exception):
    """Say that a grid, primitive or program of the language is not valid."""


class GridError(DslError):
    """Say which cell or side makes a value no grid."""


class PrimitiveError(DslError):
    """Say that a primitive has no result on these arguments (search skips the value)."""


class RegistryError(DslError):
    """Say why a primitive cannot be registered or found."""


class ParseError(DslError):
    """Say where a program text stops being of the language."""
