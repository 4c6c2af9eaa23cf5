"""Object programs: decision lists that choose an action, or a crop, by the properties of objects."""

from dsl.search.objects.engine import solve_objects

__all__ = ["solve_objects"]
