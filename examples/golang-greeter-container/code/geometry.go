package main

import (
	"math"

	pb "example.com/greeter/proto"
)

// place is a point as a map key: messages themselves cannot be compared.
type place struct{ latitude, longitude int32 }

func placeOf(point *pb.Point) place {
	return place{point.GetLatitude(), point.GetLongitude()}
}

// contains says whether point lies inside area or on its edge, whichever two corners area names.
func contains(area *pb.Rectangle, point *pb.Point) bool {
	lo, hi, at := placeOf(area.GetLo()), placeOf(area.GetHi()), placeOf(point)
	return between(lo.latitude, at.latitude, hi.latitude) && between(lo.longitude, at.longitude, hi.longitude)
}

func between(a, value, b int32) bool {
	return min(a, b) <= value && value <= max(a, b)
}

// distanceMetres is the length of the great circle between two points (haversine formula, mean radius of the earth).
func distanceMetres(from, to *pb.Point) float64 {
	const earthRadiusMetres = 6_371_000
	radians := func(e7 int32) float64 { return float64(e7) / 1e7 * math.Pi / 180 }
	fromLatitude, toLatitude := radians(from.GetLatitude()), radians(to.GetLatitude())
	sinLatitude := math.Sin((toLatitude - fromLatitude) / 2)
	sinLongitude := math.Sin((radians(to.GetLongitude()) - radians(from.GetLongitude())) / 2)
	h := sinLatitude*sinLatitude + math.Cos(fromLatitude)*math.Cos(toLatitude)*sinLongitude*sinLongitude
	return 2 * earthRadiusMetres * math.Asin(math.Sqrt(min(h, 1)))
}
