package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"os"
	"time"

	"google.golang.org/grpc/credentials"
)

// signer signs each call with an access key, as triggers with authType function ask for (Function Compute, "Signature
// authentication"). Use it with grpc.WithPerRPCCredentials.
type signer struct {
	accessKeyID, accessKeySecret string
}

var _ credentials.PerRPCCredentials = signer{}

func signerOfEnvironment() (signer, error) {
	key := signer{os.Getenv("ALIBABA_CLOUD_ACCESS_KEY_ID"), os.Getenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET")}
	if key.accessKeyID == "" || key.accessKeySecret == "" {
		return signer{}, errors.New("-sign: set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET")
	}
	return key, nil
}

// GetRequestMetadata is asked for each call, whose path the signature covers. If the call has x-fc-* metadata of its
// own, lines "name:value" of it stand, sorted, before the path.
func (key signer) GetRequestMetadata(ctx context.Context, _ ...string) (map[string]string, error) {
	call, ok := credentials.RequestInfoFromContext(ctx)
	if !ok {
		return nil, errors.New("the method to sign is not known")
	}
	date := time.Now().UTC().Format(http.TimeFormat)
	mac := hmac.New(sha256.New, []byte(key.accessKeySecret))
	mac.Write([]byte("POST\n\napplication/grpc\n" + date + "\n" + call.Method + "\n"))
	signature := base64.StdEncoding.EncodeToString(mac.Sum(nil))
	return map[string]string{"date": date, "authorization": "FC " + key.accessKeyID + ":" + signature}, nil
}

func (signer) RequireTransportSecurity() bool { return true }
