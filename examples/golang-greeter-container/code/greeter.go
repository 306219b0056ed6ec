package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc"

	pb "example.com/greeter/proto"
)

// greeter implements the four methods. It keeps nothing between calls: the next one may reach another instance.
type greeter struct {
	pb.UnimplementedGreeterServer
	features []*pb.Feature
}

func (g *greeter) SayHello(_ context.Context, request *pb.HelloRequest) (*pb.HelloReply, error) {
	fmt.Printf("SayHello name=%q\n", request.GetName())
	return &pb.HelloReply{Message: "Hello " + request.GetName()}, nil
}

func (g *greeter) ListFeatures(area *pb.Rectangle, stream grpc.ServerStreamingServer[pb.Feature]) error {
	for _, feature := range g.features {
		if !contains(area, feature.GetLocation()) {
			continue
		}
		if err := stream.Send(feature); err != nil {
			return err
		}
	}
	return nil
}

func (g *greeter) RecordRoute(stream grpc.ClientStreamingServer[pb.Point, pb.RouteSummary]) error {
	startedAt := time.Now()
	summary := &pb.RouteSummary{}
	lengthMetres := 0.0
	var previous *pb.Point
	for {
		point, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			summary.Distance = int32(lengthMetres)
			summary.ElapsedTime = int32(time.Since(startedAt).Seconds())
			return stream.SendAndClose(summary)
		}
		if err != nil {
			return err
		}
		summary.PointCount++
		if g.isFeature(point) {
			summary.FeatureCount++
		}
		if previous != nil {
			lengthMetres += distanceMetres(previous, point)
		}
		previous = point
	}
}

func (g *greeter) RouteChat(stream grpc.BidiStreamingServer[pb.RouteNote, pb.RouteNote]) error {
	notes := make(map[place][]*pb.RouteNote)
	for {
		note, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		here := placeOf(note.GetLocation())
		for _, earlier := range notes[here] {
			if err := stream.Send(earlier); err != nil {
				return err
			}
		}
		notes[here] = append(notes[here], note)
	}
}

func (g *greeter) isFeature(point *pb.Point) bool {
	for _, feature := range g.features {
		if placeOf(feature.GetLocation()) == placeOf(point) {
			return true
		}
	}
	return false
}
