package api

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

// codeSuperseded marks a refund of version 0.1, the rest of which could not be
// reserved. No channel ever saw it.
const codeSuperseded = "superseded"

type refundInput struct {
	PaymentPath
	Body wire.RefundOrder
}

type refundOutput struct {
	Replayed string `header:"Idempotent-Replayed" doc:"true when the refund was there before"`
	Body     wire.Refunds
}

// refund returns captured money: its parts are reserved in the books, all or
// none, which refuse more than was captured, before the first part leaves.
func (s *server) refund(ctx context.Context, in *refundInput) (*refundOutput, error) {
	v, err := s.payment(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	rows, replayed, err := OrderRefund(ctx, s.books, s.engine, RefundOrder{View: v, Key: in.Body.Key, Amount: money.Fen(in.Body.AmountFen),
		Reason: in.Body.Reason, Actor: "api:" + callerOf(ctx).ID, At: s.now()})
	if err != nil {
		return nil, err
	}
	body, err := s.refundsOf(ctx, in.ID, rows)
	if err != nil {
		return nil, err
	}
	out := &refundOutput{Body: body}
	if replayed {
		out.Replayed = "true"
	}
	return out, nil
}

// RefundOrder is what somebody asks for: an amount, however many tenders it
// was paid by.
type RefundOrder struct {
	View store.View
	// Key makes it idempotent within the payment. It has no slash.
	Key    string
	Amount money.Money
	Reason string
	Actor  string // for the audit log
	At     time.Time
}

// RefundBooks is what a refund asks of the books.
type RefundBooks interface {
	ReserveRefunds(ctx context.Context, parts []store.RefundOrder) ([]store.RefundRow, error)
	Refunds(ctx context.Context, paymentID string) ([]store.RefundRow, error)
}

// OrderRefund reserves the parts of a refund, all or none, and starts those
// that are not over. replayed says that the order was there before. Rules that
// are broken come as payment.Problem; after any other error the same order can
// be repeated.
func OrderRefund(ctx context.Context, books RefundBooks, engine Engine, o RefundOrder) (rows []store.RefundRow, replayed bool, err error) {
	all, err := books.Refunds(ctx, o.View.ID)
	if err != nil {
		return nil, false, err
	}
	if rows, err = o.rows(all); err != nil {
		return nil, false, err
	}
	replayed = len(rows) > 0
	if rows, err = o.reserve(ctx, books, rows, all); err != nil {
		return nil, false, err
	}
	for _, r := range rows {
		if r.State != channel.RefundProcessing {
			continue
		}
		if err := engine.Refund(ctx, refOf(o.View.Standing), r); err != nil {
			return nil, false, err // reserved, and the same request starts it again
		}
	}
	return rows, replayed, nil
}

// partKey is the books' key of the share of one tender: it carries the whole
// amount too, so that the same key with another amount is seen.
func (o RefundOrder) partKey(attempt int) string {
	return o.Key + "/" + strconv.FormatInt(o.Amount.Minor(), 10) + "/" + strconv.Itoa(attempt)
}

// readPartKey takes partKey apart. Refunds that the workflow made itself have
// keys of other forms, which are given back whole.
func readPartKey(row string) (key string, fen int64, ok bool) {
	parts := strings.Split(row, "/")
	if len(parts) != 3 {
		return row, 0, false
	}
	fen, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil {
		return row, 0, false
	}
	return parts[0], fen, true
}

// rows finds what the books have of the order already.
func (o RefundOrder) rows(all []store.RefundRow) ([]store.RefundRow, error) {
	var rows []store.RefundRow
	for _, r := range all {
		key, fen, ok := readPartKey(r.Key)
		switch {
		case !ok || key != o.Key:
		case fen != o.Amount.Minor():
			return nil, payment.Problem{Code: payment.CodeRefundConflict, Field: "key",
				Text: "this key was used for " + money.Fen(fen).String()}
		case r.Code == codeSuperseded:
			return nil, payment.Problem{Code: payment.CodeRefundExceeds, Field: "amount",
				Text: "this refund could not be reserved; ask for another amount with another key"}
		default:
			rows = append(rows, r)
		}
	}
	return rows, nil
}

// reserve writes down the parts of the order that are not reserved yet: what
// the books have of it and what is left of each tender come from the same list
// of refunds, so that two requests with one key plan the same parts under the
// same names, and never both.
func (o RefundOrder) reserve(ctx context.Context, books RefundBooks, rows, all []store.RefundRow) ([]store.RefundRow, error) {
	rest := o.Amount
	used := map[int]bool{}
	for _, r := range rows {
		used[r.Attempt] = true
		var err error
		if rest, err = rest.Sub(r.Refund.Amount); err != nil {
			return nil, err
		}
	}
	if !rest.IsPositive() {
		return rows, nil
	}
	if !refundable(o.View.Status) {
		return nil, payment.Problem{Code: payment.CodeState,
			Text: "only a registered payment is refunded; cancel one that is not"}
	}
	parts, err := payment.PlanRefund(rest, leftOf(o.View, all, used))
	if err != nil {
		return nil, err
	}
	orders := make([]store.RefundOrder, len(parts))
	for i, p := range parts {
		orders[i] = store.RefundOrder{PaymentID: o.View.ID, Key: o.partKey(p.Attempt),
			Attempt: p.Attempt, Amount: p.Amount, Reason: o.Reason, Actor: o.Actor, At: o.At}
	}
	fresh, err := books.ReserveRefunds(ctx, orders)
	if err != nil {
		return nil, err
	}
	return append(rows, fresh...), nil
}

// refundable says in which states a refund stands beside the payment's own
// workflow. Before, that workflow holds the money and a cancellation is the
// way to get it back.
func refundable(st payment.Status) bool {
	return st == payment.Registered || st == payment.Completed || st == payment.Refunding
}

// leftOf is what the tenders can still return, without those in used: captured
// less every refund. One that failed counts too: its money stays aside until a
// person decides how it goes back.
func leftOf(v store.View, all []store.RefundRow, used map[int]bool) []payment.Refundable {
	taken := map[int]int64{}
	for _, r := range all {
		taken[r.Attempt] += r.Refund.Amount.Minor()
	}
	var left []payment.Refundable
	for _, t := range v.Tenders {
		if !used[t.Attempt] {
			left = append(left, payment.Refundable{Attempt: t.Attempt, Channel: t.Channel,
				Left: money.Fen(t.Captured.Minor() - taken[t.Attempt])})
		}
	}
	return left
}

type refundsOutput struct{ Body wire.Refunds }

func (s *server) refunds(ctx context.Context, in *PaymentPath) (*refundsOutput, error) {
	if _, err := s.ref(ctx, in.ID); err != nil {
		return nil, err
	}
	rows, err := s.books.Refunds(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	body, err := s.refundsOf(ctx, in.ID, rows)
	if err != nil {
		return nil, err
	}
	return &refundsOutput{Body: body}, nil
}

// refundsOf writes refunds with what happened to each, from the audit log.
func (s *server) refundsOf(ctx context.Context, id string, rows []store.RefundRow) (wire.Refunds, error) {
	w := wire.Refunds{PaymentID: id, Items: []wire.Refund{}}
	if len(rows) == 0 {
		return w, nil
	}
	log, err := s.books.Timeline(ctx, id)
	if err != nil {
		return w, err
	}
	for _, r := range rows {
		key, _, _ := readPartKey(r.Key)
		w.Items = append(w.Items, wire.RefundOf(r, key, log))
	}
	return w, nil
}
