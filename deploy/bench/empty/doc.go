// Package empty is the limit of the engine: a workflow of the shape of regpay's
// payment that does nothing. What it takes is what Temporal itself takes for
// one update with start, two local activities, a timer, a signal and three
// local activities, in two workflow tasks, with the same SDK and options: a
// payment of this shape cannot be carried from step to step in less.
//
// So everything else is left away: there are no books, no counterparties and
// no HTTP between the load and Temporal; payloads are a short id, or none, in
// plain text; there are no search attributes (regpay's sets six at the start
// and writes one more event at the end) and no summaries. The worker's options
// are those of regpay's payments queue.
//
// Begun in place is the shape that regpay's own API uses: the process that starts
// a workflow takes its first task, which comes with the reply to the start, and
// knows by itself when it waits to be notified. So there is no update, and
// Temporal knows the build from the start. The load generator is that process.
//
// The load generator has to know when a workflow is over without asking
// Temporal, which would be load of another shape. The last local activity
// tells it: it writes the workflow's id and a newline to one TCP connection
// that all workflows of the worker share. That is the same moment at which
// regpay's last step has told the booking backend: the command that ends the
// workflow goes to Temporal right after.
package empty

import "time"

const (
	queue        = "bench-empty"
	typeEmpty    = "Empty"
	updateBegin  = "begin"
	signalNotify = "notify"
	build        = "bench"

	// deadline is that of regpay's payments.
	deadline = 15 * time.Minute
	// patience is the time that a step has inside the workflow task.
	patience = 5 * time.Second
)

// WorkflowID is the id of the workflow with a short id.
func WorkflowID(id string) string { return "empty/" + id }
