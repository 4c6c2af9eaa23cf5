"""Object programs: decision lists that choose an action, or a crop, by the properties of objects."""

from dsl.search.objects.engine import solve_objects
from dsl.search.objects.images import action_images

__all__ = ["action_images", "solve_objects"]
