// The client of the greeter: calls all four kinds of methods over TLS and prints a line for each.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	pb "example.com/greeter/proto"
)

// callTimeout leaves room for a cold start.
const callTimeout = 30 * time.Second

func main() {
	addr := flag.String("addr", "localhost", "host, host:port or https://host:port of the function; port 8089 if none is given")
	name := flag.String("name", "world", "whom to greet")
	authority := flag.String("authority", "", "host name to ask for and to verify, where -addr does not name it")
	caFile := flag.String("cafile", os.Getenv("SLUICE_CA_FILE"), "PEM file of the CA to trust; else the roots of this system")
	sign := flag.Bool("sign", false, "sign the calls, for a trigger with authType function; the key is that of ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET")
	only := flag.String("only", "", "make one call only: hello, features, route or chat")
	flag.Parse()

	if err := run(*addr, *authority, *caFile, *name, *only, *sign); err != nil {
		fmt.Fprintln(os.Stderr, "greeter client:", err)
		os.Exit(1)
	}
}

func run(addr, authority, caFile, name, only string, sign bool) error {
	connection, err := connect(addr, authority, caFile, sign)
	if err != nil {
		return err
	}
	defer connection.Close()
	client := pb.NewGreeterClient(connection)

	calls := []struct {
		name string
		call func(context.Context, pb.GreeterClient) error
	}{
		{"hello", func(ctx context.Context, client pb.GreeterClient) error { return sayHello(ctx, client, name) }},
		{"features", listFeatures},
		{"route", recordRoute},
		{"chat", routeChat},
	}
	made := 0
	for _, each := range calls {
		if only != "" && only != each.name {
			continue
		}
		made++
		ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
		err := each.call(ctx, client)
		cancel()
		if err != nil {
			return fmt.Errorf("%s: %w", each.name, err)
		}
	}
	if made == 0 {
		return fmt.Errorf("-only %q is none of hello, features, route, chat", only)
	}
	return nil
}

// connect prepares a TLS connection; it is opened by the first call. The certificate is always verified, against
// authority where that is given.
func connect(addr, authority, caFile string, sign bool) (*grpc.ClientConn, error) {
	target, err := dialAddress(addr)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{}
	if caFile != "" {
		pem, err := os.ReadFile(caFile)
		if err != nil {
			return nil, fmt.Errorf("-cafile: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("-cafile %s holds no PEM certificate", caFile)
		}
	}
	options := []grpc.DialOption{grpc.WithTransportCredentials(credentials.NewTLS(config))}
	if authority != "" {
		options = append(options, grpc.WithAuthority(authority))
	}
	if sign {
		signer, err := signerOfEnvironment()
		if err != nil {
			return nil, err
		}
		options = append(options, grpc.WithPerRPCCredentials(signer))
	}
	return grpc.NewClient(target, options...)
}
