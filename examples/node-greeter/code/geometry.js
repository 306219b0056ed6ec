// Points are { latitude, longitude } in units of 1e-7 degrees; a message that leaves one out means 0, 0.
const ORIGIN = { latitude: 0, longitude: 0 };

/** Mean radius of the earth. */
const EARTH_RADIUS_METRES = 6_371_000;

/** Says whether two points are the same. */
export function samePlace(a, b) {
  const [first, second] = [a ?? ORIGIN, b ?? ORIGIN];
  return first.latitude === second.latitude && first.longitude === second.longitude;
}

/** Says whether a point lies inside an area or on its edge, whichever two corners the area names. */
export function contains(area, point) {
  const [lo, hi] = [area.lo ?? ORIGIN, area.hi ?? ORIGIN];
  return isBetween(lo.latitude, point.latitude, hi.latitude) && isBetween(lo.longitude, point.longitude, hi.longitude);
}

/** Length of the great circle between two points (haversine formula). */
export function distanceMetres(from, to) {
  const fromLatitude = radians(from.latitude);
  const toLatitude = radians(to.latitude);
  const sinLatitude = Math.sin((toLatitude - fromLatitude) / 2);
  const sinLongitude = Math.sin((radians(to.longitude) - radians(from.longitude)) / 2);
  const h = sinLatitude ** 2 + Math.cos(fromLatitude) * Math.cos(toLatitude) * sinLongitude ** 2;
  return 2 * EARTH_RADIUS_METRES * Math.asin(Math.sqrt(Math.min(h, 1)));
}

function isBetween(a, value, b) {
  return Math.min(a, b) <= value && value <= Math.max(a, b);
}

function radians(e7) {
  return ((e7 / 1e7) * Math.PI) / 180;
}
