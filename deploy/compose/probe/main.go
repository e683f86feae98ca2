// Command probe asks a health endpoint and exits with 0 when it answers 2xx.
// The images have neither a shell nor curl, and a container's health check is a
// program inside it.
package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// timeout is below every health check's own in docker-compose.yml, so that the
// reason is printed before the container runtime loses patience.
const timeout = 3 * time.Second

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: probe URL")
		os.Exit(2)
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if err := probe(ctx, os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "probe:", err)
		cancel()
		os.Exit(1)
	}
}

func probe(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("ask %s: %w", url, err)
	}
	reply, err := http.DefaultClient.Do(req)
	if err != nil {
		return err // names the URL itself
	}
	defer func() { _ = reply.Body.Close() }()
	if reply.StatusCode/100 == 2 {
		return nil
	}
	// readyz says which part cannot be reached; it is worth a line in
	// `docker inspect`.
	said, err := io.ReadAll(io.LimitReader(reply.Body, 512))
	if err != nil {
		return fmt.Errorf("%s: %s", url, reply.Status)
	}
	return fmt.Errorf("%s: %s: %s", url, reply.Status, said)
}
