// The greeter: a gRPC server as Function Compute expects it. It speaks HTTP/2 without TLS, because the platform ends
// TLS, and listens on all interfaces, because the platform connects from outside.
package main

import (
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"

	pb "example.com/greeter/proto"
)

// defaultPort serves when neither -port nor FC_SERVER_PORT says otherwise; s.yaml names it as caPort.
const defaultPort = "8089"

func main() {
	port := flag.String("port", portFromEnvironment(), "port to listen on")
	flag.Parse()
	if err := serve(*port); err != nil {
		fmt.Fprintln(os.Stderr, "greeter:", err)
		os.Exit(1)
	}
}

func portFromEnvironment() string {
	if port := os.Getenv("FC_SERVER_PORT"); port != "" {
		return port
	}
	return defaultPort
}

// serve listens until SIGTERM or SIGINT, then takes no new calls and returns when the open ones have ended.
func serve(port string) error {
	listener, err := net.Listen("tcp", net.JoinHostPort("", port))
	if err != nil {
		return err
	}
	features, err := loadFeatures()
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	healthServer := health.NewServer()
	pb.RegisterGreeterServer(server, &greeter{features: features})
	healthpb.RegisterHealthServer(server, healthServer)
	reflection.Register(server)

	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		<-stop
		healthServer.Shutdown()
		server.GracefulStop()
	}()

	fmt.Println("greeter listening on", listener.Addr())
	return server.Serve(listener)
}
