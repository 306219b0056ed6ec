package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	pb "example.com/greeter/proto"
)

// area holds every feature that the greeter knows.
var area = &pb.Rectangle{
	Lo: &pb.Point{Latitude: 520000000, Longitude: 46000000},
	Hi: &pb.Point{Latitude: 530000000, Longitude: 48000000},
}

// route is a walk over three points; the first and the last are features.
var route = []*pb.Point{
	{Latitude: 523871200, Longitude: 46425300},
	{Latitude: 524000000, Longitude: 46700000},
	{Latitude: 524159200, Longitude: 46954100},
}

func sayHello(ctx context.Context, client pb.GreeterClient, name string) error {
	reply, err := client.SayHello(ctx, &pb.HelloRequest{Name: name})
	if err != nil {
		return err
	}
	fmt.Println("Greeting:", reply.GetMessage())
	return nil
}

func listFeatures(ctx context.Context, client pb.GreeterClient) error {
	stream, err := client.ListFeatures(ctx, area)
	if err != nil {
		return err
	}
	var names []string
	for {
		feature, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		names = append(names, feature.GetName())
	}
	if len(names) == 0 {
		return errors.New("the greeter knows no features")
	}
	fmt.Printf("Features: %d, from %s to %s\n", len(names), names[0], names[len(names)-1])
	return nil
}

func recordRoute(ctx context.Context, client pb.GreeterClient) error {
	stream, err := client.RecordRoute(ctx)
	if err != nil {
		return err
	}
	for _, point := range route {
		// io.EOF says that the call has ended already; CloseAndRecv then returns its status.
		if err := stream.Send(point); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
	}
	summary, err := stream.CloseAndRecv()
	if err != nil {
		return err
	}
	fmt.Printf("Route: %d points, %d features, %d m\n", summary.GetPointCount(), summary.GetFeatureCount(), summary.GetDistance())
	return nil
}

// routeChat leaves a note at the start of the route, at its end, and at its start again: the first one comes back.
func routeChat(ctx context.Context, client pb.GreeterClient) error {
	stream, err := client.RouteChat(ctx)
	if err != nil {
		return err
	}
	start, end := route[0], route[len(route)-1]
	for _, note := range []*pb.RouteNote{
		{Location: start, Message: "setting out"},
		{Location: end, Message: "arrived"},
		{Location: start, Message: "back again"},
	} {
		if err := stream.Send(note); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	var messages []string
	for {
		note, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		messages = append(messages, note.GetMessage())
	}
	fmt.Printf("Chat: %d earlier note here: %q\n", len(messages), messages)
	return nil
}
