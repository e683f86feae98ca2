package store

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
)

// What people at the console ask of a payment's workflow.
const (
	actionDecisionAsked = "decision_asked"
	actionCancelAsked   = "cancel_asked"
	actionRefundAsked   = "refund_asked"
)

// Asking is somebody at the console asking for a decision to be carried out, a
// refund, or, with neither a verdict nor an amount, for the end of a payment.
type Asking struct {
	PaymentID string
	CaseID    string          // of a decision
	Verdict   payment.Verdict // of a decision
	Amount    money.Money     // of a refund
	Reason    string          // in a person's own words; sealed in the log
	By        string          // a staff.Person's subject
	Address   string          // where the person sits
}

func (a Asking) action() string {
	switch {
	case a.Verdict != "":
		return actionDecisionAsked
	case a.Amount.IsPositive():
		return actionRefundAsked
	}
	return actionCancelAsked
}

// AskLogged notes what somebody is about to ask for. It comes before the asking:
// what follows is logged by the workflow, which knows neither where a person
// sits nor, of a cancellation, that it was not the patient. What is asked for
// and refused stays in the log as asked.
//
// ErrNotFound: no such payment, or the case is another's.
func (s *Store) AskLogged(ctx context.Context, a Asking, at time.Time) error {
	sealed := ""
	if reason := strings.TrimSpace(a.Reason); reason != "" {
		raw, err := s.sealJSON(reason, purposePlace, a.PaymentID)
		if err != nil {
			return fmt.Errorf("log what is asked of %.80q: %w", a.PaymentID, err)
		}
		sealed = base64.RawStdEncoding.EncodeToString(raw)
	}
	err := s.beside(ctx, a.PaymentID, func(tx *sqlx.Tx, log *chain) error {
		if err := caseOfPayment(ctx, tx, a.PaymentID, a.CaseID); err != nil {
			return err
		}
		amount := ""
		if a.Amount.IsPositive() {
			amount = fmt.Sprint(a.Amount.Minor())
		}
		log.add(stamp(at), a.By, a.action(), details("case", a.CaseID, "decision", string(a.Verdict), "amount_fen", amount,
			"address", a.Address, purposeSealed, sealed))
		return nil
	})
	if err != nil {
		return fmt.Errorf("log what is asked of %.80q: %w", a.PaymentID, err)
	}
	return nil
}
