package main

import (
	"fmt"
	"net"
	"strings"
)

// defaultPort is where Function Compute and Sluice serve gRPC.
const defaultPort = "8089"

// dialAddress turns what people paste after -addr (host, host:port or the https URL that a deploy prints) into
// host:port.
func dialAddress(addr string) (string, error) {
	rest := strings.TrimSuffix(strings.TrimPrefix(addr, "https://"), "/")
	if rest == "" || strings.Contains(rest, "/") {
		return "", fmt.Errorf("-addr %q is not a host, host:port or https://host:port", addr)
	}
	if _, _, err := net.SplitHostPort(rest); err == nil {
		return rest, nil
	}
	return net.JoinHostPort(strings.Trim(rest, "[]"), defaultPort), nil
}
