package empty

import (
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"
)

// trial is one run of the workflow.
type trial struct {
	env      *testsuite.TestWorkflowEnvironment
	local    []string
	reported []string
	begun    int // local activities that had been done when it was known to wait
}

func try(t *testing.T) *trial {
	var suite testsuite.WorkflowTestSuite
	x := &trial{env: suite.NewTestWorkflowEnvironment(), begun: -1}
	x.env.RegisterWorkflow(empty)
	x.env.RegisterActivity(&steps{report: func(_ context.Context, id string) error {
		x.reported = append(x.reported, id)
		return nil
	}, begun: func(string) { x.begun = len(x.local) }})
	x.env.SetOnLocalActivityStartedListener(func(i *activity.Info, _ context.Context, _ []any) {
		x.local = append(x.local, i.ActivityType.Name)
	})
	x.env.SetOnActivityStartedListener(func(i *activity.Info, _ context.Context, _ converter.EncodedValues) {
		t.Errorf("%s is a regular activity", i.ActivityType.Name)
	})
	return x
}

// asks sends the update that the load generator sends.
func (x *trial) asks(t *testing.T) {
	x.env.RegisterDelayedCallback(func() {
		x.env.UpdateWorkflow(updateBegin, "", &testsuite.TestUpdateCallback{
			OnAccept: func() {}, OnReject: func(err error) { t.Error(err) },
			OnComplete: func(_ any, err error) {
				require.NoError(t, err)
				x.begun = len(x.local)
			},
		})
	}, 0)
}

func TestTheWorkflowHasTheShapeOfAPayment(t *testing.T) {
	for _, inPlace := range []bool{false, true} {
		t.Run(fmt.Sprintf("in place %t", inPlace), func(t *testing.T) { hasTheShape(t, inPlace) })
	}
}

func hasTheShape(t *testing.T, inPlace bool) {
	x := try(t)
	second := "Begun"
	if !inPlace {
		second = "Nothing"
		x.asks(t)
	}
	timers := 0
	x.env.SetOnTimerScheduledListener(func(_ string, d time.Duration) {
		require.Equal(t, 15*time.Minute, d)
		timers++
	})
	x.env.SetOnTimerCanceledListener(func(string) { t.Error("the timer is cancelled") })
	x.env.RegisterDelayedCallback(func() {
		require.Empty(t, x.reported)
		x.env.SignalWorkflow(signalNotify, nil)
	}, time.Second)
	x.env.ExecuteWorkflow(empty, "p1", inPlace)
	require.NoError(t, x.env.GetWorkflowError())
	require.Equal(t, 2, x.begun)
	require.Equal(t, []string{"Nothing", second, "Nothing", "Nothing", "Report"}, x.local)
	require.Equal(t, []string{"p1"}, x.reported)
	require.Equal(t, 1, timers)
}

func TestAWorkflowThatNobodyNotifiesEnds(t *testing.T) {
	x := try(t)
	x.env.ExecuteWorkflow(empty, "p1", false)
	require.ErrorContains(t, x.env.GetWorkflowError(), errDeadline.Error())
	require.Empty(t, x.reported)
}

func TestReportsReachWhoeverWaits(t *testing.T) {
	heard, r := connected(t)
	one, two, never := heard.done("1"), heard.done("2"), heard.done("never")
	require.Equal(t, one, heard.done("1"))
	for _, id := range []string{"nobody", "1", "2", "1"} { // the last repeats one that is over
		require.NoError(t, r.report(t.Context(), id))
	}
	closes(t, one)
	closes(t, two)
	select {
	case <-never:
		t.Error("it was not reported")
	default:
	}
	heard.mu.Lock()
	defer heard.mu.Unlock()
	require.Len(t, heard.conns, 1, "one connection for all")
	require.Len(t, heard.open, 1, "what is over is forgotten")
}

func TestABrokenConnectionIsReplaced(t *testing.T) {
	heard, r := connected(t)
	first := heard.done("1")
	require.NoError(t, r.report(t.Context(), "1"))
	closes(t, first)
	heard.mu.Lock()
	for conn := range heard.conns {
		require.NoError(t, conn.Close())
	}
	heard.mu.Unlock()
	require.Eventually(t, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.conn == nil
	}, 5*time.Second, time.Millisecond)
	second := heard.done("2")
	require.NoError(t, r.report(t.Context(), "2"))
	closes(t, second)

	// One that breaks under the write itself.
	r.mu.Lock()
	require.NoError(t, r.conn.(*net.TCPConn).CloseWrite())
	r.mu.Unlock()
	third := heard.done("3")
	require.NoError(t, r.report(t.Context(), "3"))
	closes(t, third)
}

func TestALineThatBreaksOffIsNoReport(t *testing.T) {
	heard, _ := connected(t)
	part, whole := heard.done("1"), heard.done("12")
	conn, err := net.Dial("tcp", heard.address())
	require.NoError(t, err)
	_, err = conn.Write([]byte("12\n1"))
	require.NoError(t, err)
	require.NoError(t, conn.Close())
	closes(t, whole)
	heard.close()
	select {
	case <-part:
		t.Error("half an id was taken for one")
	default:
	}
}

func TestNobodyToReportToIsAnError(t *testing.T) {
	heard, r := connected(t)
	heard.close()
	require.Error(t, r.report(t.Context(), "1"))
}

func TestAnIdIsOneLine(t *testing.T) {
	for _, id := range []string{"", "1\n2"} {
		require.ErrorContains(t, new(Client).Begin(t.Context(), id), "is no id")
	}
}

func connected(t *testing.T) (*reports, *reporter) {
	heard, err := listen(t.Context())
	require.NoError(t, err)
	r := &reporter{address: heard.address()}
	t.Cleanup(func() {
		r.close()
		heard.close()
	})
	return heard, r
}

func closes(t *testing.T, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		t.Fatal("no report")
	}
}
