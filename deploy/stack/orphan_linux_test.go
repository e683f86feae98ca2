package stack

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const ownerRole = "REGPAY_TEST_STACK_OWNER"

// TestMain lets the test binary play a stack's owner, to be killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv(ownerRole); dir != "" {
		playOwner(dir)
	}
	os.Exit(m.Run())
}

func playOwner(dir string) {
	if err := os.MkdirAll(dir+"/logs", 0o755); err != nil {
		panic(err)
	}
	s := newSupervisor(dir, false, func() {})
	c := &child{spec: Process{Name: "p", Path: "/bin/sleep", Args: []string{"60"}}}
	if err := s.spawn(c); err != nil {
		panic(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(RunningProcess{PID: c.pid, Started: c.started}); err != nil {
		panic(err)
	}
	select {} // until killed
}

func TestNoProcessSurvivesAKilledOwner(t *testing.T) {
	owner := exec.Command(os.Args[0])
	owner.Env = append(os.Environ(), ownerRole+"="+t.TempDir())
	out, err := owner.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, owner.Start())
	line, err := bufio.NewReader(out).ReadBytes('\n')
	require.NoError(t, err)
	var p RunningProcess
	require.NoError(t, json.Unmarshal(line, &p))
	require.True(t, p.alive())

	require.NoError(t, owner.Process.Kill())
	_ = owner.Wait()
	require.Eventually(t, func() bool { return !p.alive() }, soon, 10*time.Millisecond)
}
