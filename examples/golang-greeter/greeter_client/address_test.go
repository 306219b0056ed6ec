package main

import "testing"

func TestDialAddressTakesHostPortAndURL(t *testing.T) {
	for addr, want := range map[string]string{
		"greeter.example":              "greeter.example:8089",
		"greeter.example:9443":         "greeter.example:9443",
		"https://greeter.example":      "greeter.example:8089",
		"https://greeter.example:443/": "greeter.example:443",
		"127.0.0.1":                    "127.0.0.1:8089",
		"::1":                          "[::1]:8089",
		"[::1]":                        "[::1]:8089",
		"[::1]:443":                    "[::1]:443",
	} {
		got, err := dialAddress(addr)
		if err != nil || got != want {
			t.Errorf("dialAddress(%q) = %q, %v; want %q", addr, got, err, want)
		}
	}
}

func TestDialAddressRefusesWhatIsNoTLSEndpoint(t *testing.T) {
	for _, addr := range []string{"", "http://greeter.example", "https://greeter.example/path"} {
		if got, err := dialAddress(addr); err == nil {
			t.Errorf("dialAddress(%q) = %q, want an error", addr, got)
		}
	}
}
