package stack

import (
	"context"
	"errors"
	"net/http"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

func greet(_ workflow.Context, name string) (string, error) { return "你好, " + name, nil }

type silent struct{}

func (silent) Debug(string, ...any) {}
func (silent) Info(string, ...any)  {}
func (silent) Warn(string, ...any)  {}
func (silent) Error(string, ...any) {}

var _ sdklog.Logger = silent{}

// A whole stack but regpay: the official server runs a workflow, survives the
// crash of its database and its own, and nothing is left at the end.
func TestTemporalRunsWorkflowsAndSurvivesCrashes(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute) // a first build included
	defer cancel()
	s, err := Start(ctx, Options{Name: "test", Parts: Temporal | UI, DatabaseURL: "private", TemporalAddress: "private",
		Progress: t.Output()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Stop(context.Background())) })
	e := s.Endpoints()
	require.NoError(t, ReadyHTTP(e.UI+"/api/v1/namespaces/"+e.Namespace)(ctx), "the UI reaches the server")
	require.NoError(t, ReadyHTTP(e.UI+"/")(ctx))

	c, err := client.Dial(client.Options{HostPort: e.Temporal, Namespace: e.Namespace, Logger: silent{}})
	require.NoError(t, err)
	defer c.Close()
	w := worker.New(c, "greetings", worker.Options{})
	w.RegisterWorkflow(greet)
	require.NoError(t, w.Start())
	defer w.Stop()
	runGreeting := func() (string, error) {
		ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
		run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{TaskQueue: "greetings"}, greet, "regpay")
		if err != nil {
			return "", err
		}
		var answer string
		err = run.Get(ctx, &answer)
		return answer, err
	}
	answer, err := runGreeting()
	require.NoError(t, err, "the first start after Start returned must be accepted")
	require.Equal(t, "你好, regpay", answer)

	for _, name := range []string{postgresName, temporalName} {
		require.NoError(t, s.Kill(name))
		require.NoError(t, s.Restart(ctx, name))
		require.Eventually(t, func() bool { _, err := runGreeting(); return err == nil }, 2*time.Minute, 100*time.Millisecond,
			"after a crash of %s", name)
	}

	left := s.Processes()
	require.Len(t, left, 3)
	started := time.Now()
	require.NoError(t, s.Stop(ctx))
	t.Logf("stopped in %s", time.Since(started))
	for _, p := range left {
		require.False(t, p.alive(), p.Name)
	}
	_, err = http.Get(e.UI) //nolint:noctx // refused at once
	require.Error(t, err)
}

func TestTheServerKnowsTheSettingsOfTheDynamicConfiguration(t *testing.T) {
	s := newTestStack(t, Options{})
	path, err := s.writeYAML("dynamic.yaml", dynamicConfig(4))
	require.NoError(t, err)
	options, err := Options{Parts: Temporal, TemporalAddress: "private", DatabaseURL: "private"}.complete()
	require.NoError(t, err)
	b := &builder{root: options.Root, local: options.Local, progress: newProgress(t.Output())}
	server, err := b.buildTool(t.Context(), temporalServerTool())
	require.NoError(t, err)
	out, err := exec.Command(server, "validate-dynamic-config", path).CombinedOutput()
	require.NoError(t, err)
	require.Equal(t, path+"\n", string(out), "neither errors nor warnings")
}

func TestAUsableNamespaceIsWaitedForNoLongerThanAsked(t *testing.T) {
	s := newTestStack(t, Options{TemporalAddress: "127.0.0.1:1"})
	s.endpoints.Temporal, s.endpoints.Namespace = "127.0.0.1:1", "x"
	ctx, cancel := context.WithTimeoutCause(t.Context(), 300*time.Millisecond, errors.New("enough"))
	defer cancel()
	require.ErrorContains(t, s.makeNamespace(ctx), "enough")
}
