package payment

import (
	"context"
	"errors"
	"fmt"
)

// Outcome is what is known of a step that reached for another system.
type Outcome string

// The outcomes. There is no fourth: a timeout is Unknown (rule I3).
const (
	Success Outcome = "success"
	Failed  Outcome = "failed"
	Unknown Outcome = "unknown"
)

// Kind sorts a failed call by what may be done next.
type Kind string

// The kinds of failure.
const (
	// Final: the other side refused, nothing happened, and asking again the
	// same way is of no use.
	Final Kind = "final"
	// Retryable: nothing happened, and it can be asked again.
	Retryable Kind = "retryable"
	// Uncertain: it may have happened. Query before sending again (I3).
	Uncertain Kind = "uncertain"
)

// Failure is an error from a counterparty (a channel, the HIS, an identity
// service), sorted by the client that met it. Code and Message are the other
// side's own and are kept only where they hold no personal data.
type Failure struct {
	Kind    Kind
	System  string // wechat, unionpay, insurance, his, sms, face
	Op      string // prepay, query, close, refund, …
	Code    string // the other side's code, or a short one of the client's
	Message string
	Err     error
}

func (f *Failure) Error() string {
	s := fmt.Sprintf("%s %s: %s", f.System, f.Op, f.Kind)
	if f.Code != "" {
		s += " " + f.Code
	}
	if f.Message != "" {
		s += ": " + f.Message
	}
	if f.Err != nil {
		s += ": " + f.Err.Error()
	}
	return s
}

func (f *Failure) Unwrap() error { return f.Err }

// Outcome is what the failure tells of the step itself.
func (f *Failure) Outcome() Outcome {
	if f.Kind == Uncertain {
		return Unknown
	}
	return Failed
}

// KindOf sorts any error: a Failure by its kind; everything else, above all a
// timeout, is Uncertain.
func KindOf(err error) Kind {
	var f *Failure
	if errors.As(err, &f) {
		return f.Kind
	}
	return Uncertain
}

// CodeOf is the code of the Failure in err, "timeout" for an exceeded
// deadline, or "error".
func CodeOf(err error) string {
	var f *Failure
	switch {
	case errors.As(err, &f) && f.Code != "":
		return f.Code
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	}
	return "error"
}
