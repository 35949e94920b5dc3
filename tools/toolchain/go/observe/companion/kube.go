package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

const account = "/var/run/secrets/kubernetes.io/serviceaccount/"

// kube lists objects by the pod's own account.
type kube struct {
	address string
	client  *http.Client
	token   func() (string, error)
}

func inCluster() (*kube, error) {
	authority, err := os.ReadFile(account + "ca.crt")
	if err != nil {
		return nil, fmt.Errorf("the pod has no account's token: %w", err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	return &kube{
		address: "https://" + net.JoinHostPort(os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT")),
		client: &http.Client{
			Timeout:   10 * time.Second,
			Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}},
		},
		token: func() (string, error) {
			// It is renewed while the pod runs.
			text, err := os.ReadFile(account + "token")
			return strings.TrimSpace(string(text)), err
		},
	}, nil
}

// list reads every object of a path, as in /api/v1/pods, into items of the given type.
func list[T any](ctx context.Context, k *kube, path, label string) ([]T, error) {
	target := k.address + path
	if label != "" {
		target += "?labelSelector=" + url.QueryEscape(label)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return nil, err
	}
	token, err := k.token()
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	answer, err := k.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", path, answer.Status)
	}
	var found struct {
		Items []T `json:"items"`
	}
	err = json.NewDecoder(answer.Body).Decode(&found)
	return found.Items, err
}
