package main

import (
	_ "embed"
	"encoding/json"
	"fmt"

	pb "example.com/greeter/proto"
)

//go:embed features.json
var featuresJSON []byte

// loadFeatures reads the places that ListFeatures and RecordRoute know; they are part of the binary.
func loadFeatures() ([]*pb.Feature, error) {
	var features []*pb.Feature
	if err := json.Unmarshal(featuresJSON, &features); err != nil {
		return nil, fmt.Errorf("features.json: %w", err)
	}
	return features, nil
}
