package host

import (
	"sync"

	"github.com/regpay/regpay/workflows"
)

// answers hands the outcome of payments' begins from their workflows to those who
// began them in the same process. Its zero value is ready, and it is safe for
// concurrent use.
type answers struct {
	mu   sync.Mutex
	open map[string]map[chan workflows.Outcome]bool // by workflow id: those who wait
}

// expect waits for the outcome of a workflow's begin. The channel is closed without one
// when Temporal has to be asked. forget has to be called in the end.
func (a *answers) expect(workflowID string) (out <-chan workflows.Outcome, forget func()) {
	c := make(chan workflows.Outcome, 1) // giving never waits
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.open == nil {
		a.open = map[string]map[chan workflows.Outcome]bool{}
	}
	if a.open[workflowID] == nil {
		a.open[workflowID] = map[chan workflows.Outcome]bool{}
	}
	a.open[workflowID][c] = true
	return c, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.open[workflowID], c)
		if len(a.open[workflowID]) == 0 {
			delete(a.open, workflowID)
		}
	}
}

// give tells those who wait; nil is that Temporal has to be asked. What nobody
// waits for is forgotten.
func (a *answers) give(workflowID string, out *workflows.Outcome) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for c := range a.open[workflowID] {
		if out != nil {
			c <- *out
		}
		close(c)
	}
	delete(a.open, workflowID)
}
