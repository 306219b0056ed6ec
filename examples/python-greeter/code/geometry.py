"""Points on earth, in units of 1e-7 degrees."""

import math

# Mean radius of the earth.
EARTH_RADIUS_METRES = 6_371_000


def place(point) -> tuple[int, int]:
    """A point as a dictionary key."""
    return point.latitude, point.longitude


def contains(area, point) -> bool:
    """Says whether a point lies inside an area or on its edge, whichever two corners the area names."""
    return _between(area.lo.latitude, point.latitude, area.hi.latitude) and _between(
        area.lo.longitude, point.longitude, area.hi.longitude
    )


def distance_metres(start, end) -> float:
    """Length of the great circle between two points (haversine formula)."""
    start_latitude, end_latitude = _radians(start.latitude), _radians(end.latitude)
    sin_latitude = math.sin((end_latitude - start_latitude) / 2)
    sin_longitude = math.sin((_radians(end.longitude) - _radians(start.longitude)) / 2)
    h = sin_latitude**2 + math.cos(start_latitude) * math.cos(end_latitude) * sin_longitude**2
    return 2 * EARTH_RADIUS_METRES * math.asin(math.sqrt(min(h, 1)))


def _between(a: int, value: int, b: int) -> bool:
    return min(a, b) <= value <= max(a, b)


def _radians(e7: int) -> float:
    return math.radians(e7 / 1e7)
