package stack

import (
	"context"
	"path/filepath"
	"time"
)

const sandboxName = "sandbox"

// startSandbox starts the counterparties on ports chosen here, so that a
// restarted sandbox is found where the configuration says, and reads what they
// handed out.
func (s *Stack) startSandbox(ctx context.Context) (Manifest, error) {
	started := time.Now()
	dir := filepath.Join(s.dir, "sandbox")
	args := []string{"--dir", dir}
	for _, hospital := range s.options.Hospitals {
		args = append(args, "--hospital", hospital)
	}
	admin := ""
	for _, name := range counterparties() {
		port, err := s.ports.pick("the sandbox's "+name, s.options.Ports.Sandbox[name])
		if err != nil {
			return Manifest{}, err
		}
		args = append(args, "--"+name, loopback(port))
		if name == "admin" {
			admin = "http://" + loopback(port)
		}
	}
	healthy := ReadyHTTP(admin + "/healthz")
	err := s.supervisor.start(ctx, Process{
		Name: sandboxName,
		Path: s.Endpoints().Binary("sandbox"),
		Args: append(args, s.options.SandboxArgs...),
		Ready: func(ctx context.Context) error {
			if _, err := ReadManifest(dir); err != nil {
				return err
			}
			return healthy(ctx)
		},
	})
	if err != nil {
		return Manifest{}, err
	}
	s.setEndpoints(func(e *Endpoints) { e.SandboxAdmin = admin })
	s.progress.done(started, "sandbox, admin interface on %s", admin)
	return ReadManifest(dir)
}
