package stack

import (
	"context"
	"path/filepath"
	"time"
)

// startUI starts the official Temporal UI. It reads <config dir>/<env>.yaml;
// the keys are those of server/config in its source.
func (s *Stack) startUI(ctx context.Context) error {
	binary, err := s.builder.buildTool(ctx, temporalUITool())
	if err != nil {
		return err
	}
	started := time.Now()
	port, err := s.ports.pick("Temporal's UI", s.options.Ports.UI)
	if err != nil {
		return err
	}
	e := s.Endpoints()
	origin := "http://" + loopback(port)
	path, err := s.writeYAML("ui/local.yaml", node{
		"temporalGrpcAddress": e.Temporal,
		"host":                "127.0.0.1",
		"port":                port,
		"enableUi":            true,
		"defaultNamespace":    e.Namespace,
		// The cookie against cross-site requests is marked as for HTTPS only
		// unless told that this is plain HTTP.
		"cors": node{"allowOrigins": []string{origin}, "cookieInsecure": true},
		// The browser, not the UI's server, asks the codec endpoint, with the
		// cookie of an operator who signed in there; regpay must allow the UI's
		// origin.
		"codec": node{"endpoint": e.Codec, "passAccessToken": false, "includeCredentials": true,
			"defaultErrorMessage": "Payloads are encrypted: sign in at regpay's codec endpoint to read them.",
			"defaultErrorLink":    e.Codec + "/"},
		"disableNewsFetch":   true,
		"notifyOnNewVersion": false,
		"hideLogs":           true,
	})
	if err != nil {
		return err
	}
	err = s.supervisor.start(ctx, Process{
		Name:        "temporal-ui",
		Path:        binary,
		Args:        []string{"--root", filepath.Dir(path), "--config", ".", "--env", "local", "start"},
		Ready:       ReadyHTTP(origin + "/healthz"),
		StopTimeout: 5 * time.Second,
	})
	if err != nil {
		return err
	}
	s.setEndpoints(func(e *Endpoints) { e.UI = origin })
	s.progress.done(started, "Temporal's UI on %s", origin)
	return nil
}
