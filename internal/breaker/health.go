package breaker

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/regpay/regpay/internal/payment"
)

// health is what a call told of the system that was asked.
type health string

const (
	healthGood     health = "good"
	healthBad      health = "bad"
	healthSlow     health = "slow" // an answer, after too long
	healthDoubtful health = "none" // nothing can be said
)

// fairChance is what a system gets at least: a call that its caller cut off
// sooner, having spent its time elsewhere, says nothing of the system.
const fairChance = time.Second

// Codes of the clients that tell that no usable answer came, beside "http_…",
// which they use for replies without a word of the system's own.
var unanswered = []string{
	"timeout", "no_answer", "unreachable", "read", "unusable_reply", "bad_reply", "bad_signature",
	// WeChat Pay's words for being out of order.
	"SYSTEM_ERROR", "SERVICE_UNAVAILABLE",
	// FHIR's (issue-type of HL7's R4): the server's trouble, not the request's.
	"transient", "lock-error", "no-store", "exception", "incomplete", "throttled",
}

// Codes of Retryable failures that the other system has no part in, or of
// which the one order is the cause.
var ours = []string{"not_sent", "configuration", "sign", "random", "encode", "foreign_hospital", "changed_meanwhile", "registration_pending"}

// health judges a call. A refusal is an answer, and so is an outcome that only
// this order is in doubt about: neither is a reason to stop asking for others.
func (g *Guard) health(ctx context.Context, err error, took time.Duration) health {
	var f *payment.Failure
	answered := err == nil
	if errors.As(err, &f) {
		answered = f.Kind == payment.Final || f.Kind == payment.Uncertain && !silent(f)
	}
	switch {
	case answered && took >= g.settings.SlowCall:
		return healthSlow
	case answered:
		return healthGood
	case ctx.Err() != nil && (errors.Is(ctx.Err(), context.Canceled) || took < fairChance):
		return healthDoubtful // called off, or begun too late
	case f == nil && !cutOff(err), f != nil && f.Kind == payment.Retryable && slices.Contains(ours, f.Code):
		return healthDoubtful // nothing that the system did
	}
	return healthBad
}

// silent says whether a call ended without an answer.
func silent(f *payment.Failure) bool {
	return slices.Contains(unanswered, f.Code) || strings.HasPrefix(f.Code, "http_") || cutOff(f)
}

func cutOff(err error) bool {
	var n net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || errors.As(err, &n)
}

// outcome is a call's label in the metrics.
func outcome(err error, h health) string {
	switch {
	case h == healthSlow:
		return "slow"
	case err == nil:
		return "answered"
	}
	switch payment.KindOf(err) {
	case payment.Final:
		return "refused"
	case payment.Retryable:
		return "retryable"
	}
	return "unknown"
}
