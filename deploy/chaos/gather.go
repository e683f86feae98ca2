package main

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
	_ "github.com/lib/pq" // registers the driver "postgres"

	"github.com/regpay/regpay/deploy/chaos/check"
	"github.com/regpay/regpay/deploy/local"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/sandbox"
)

// theirs is what the counterparties have in their own books.
func theirs(b local.Books, w *check.World) {
	for ch, book := range map[payment.Channel]sandbox.BookSnapshot{
		payment.WeChat: b.WeChat, payment.UnionPay: b.UnionPay, payment.Insurance: b.Insurance,
	} {
		own := map[string]int64{} // the part of an insurance order that another tender pays
		for _, c := range book.Charges {
			out := check.Charge{Hospital: c.Hospital, Channel: string(ch), MerchantNo: c.MerchantNo, ChannelNo: c.ChannelNo,
				State: string(c.State), CapturedFen: c.CapturedFen, RefundedFen: c.RefundedFen, At: c.CreatedAt}
			if c.Split != nil && c.CapturedFen > 0 {
				own[c.Hospital+"/"+c.MerchantNo] = c.OwnFen
				out.CapturedFen -= c.OwnFen
				if c.RefundedFen == c.CapturedFen {
					out.RefundedFen -= c.OwnFen
				}
			}
			w.Charges = append(w.Charges, out)
		}
		for _, r := range book.Refunds {
			w.Refunds = append(w.Refunds, check.Refund{Hospital: r.Hospital, Channel: string(ch), MerchantNo: r.MerchantNo,
				RefundNo: r.RefundNo, State: string(r.State), AmountFen: r.AmountFen - own[r.Hospital+"/"+r.MerchantNo]})
		}
	}
	for _, a := range b.HIS.Appointments {
		w.Appointments = append(w.Appointments, check.Appointment{Key: check.Key{Hospital: a.Hospital, Order: a.OrderNo},
			Slot: a.Slot, Status: a.Status, PaidFen: a.AmountFen})
	}
}

// ours reads regpay's books by SQL of the checker's own: the code that wrote
// them is not asked.
func ours(ctx context.Context, db *sqlx.DB, w *check.World) error {
	read := func(what, query string, row func(*sql.Rows) error) error {
		rows, err := db.QueryContext(ctx, query)
		if err != nil {
			return fmt.Errorf("read %s: %w", what, err)
		}
		defer rows.Close()
		for rows.Next() {
			if err := row(rows); err != nil {
				return fmt.Errorf("read %s: %w", what, err)
			}
		}
		return rows.Err()
	}
	return cmp.Or(
		read("payments", `SELECT p.hospital_id, r.order_no, p.id, p.status, p.reason, p.amount_fen, p.captured_fen, p.reserved_fen,
			p.refunded_fen, p.voucher_code, p.voucher_confirmed_at IS NOT NULL, p.appointment_id, p.audit_seq,
			encode(p.audit_head, 'hex'), p.created_at, p.updated_at
			FROM payments p JOIN requests r ON r.payment_id = p.id`, func(r *sql.Rows) error {
			var p check.Payment
			err := r.Scan(&p.Hospital, &p.Order, &p.ID, &p.Status, &p.Reason, &p.AmountFen, &p.CapturedFen, &p.ReservedFen,
				&p.RefundedFen, &p.Voucher, &p.VoucherFinal, &p.Appointment, &p.AuditSeq, &p.AuditHead, &p.CreatedAt, &p.UpdatedAt)
			w.Payments = append(w.Payments, p)
			return err
		}),
		read("attempts", `SELECT payment_id, hospital_id, channel, merchant_no, state, attempt, captured_fen, refunded_fen, offline_fen,
			created_at FROM attempts`, func(r *sql.Rows) error {
			var a check.Attempt
			err := r.Scan(&a.PaymentID, &a.Hospital, &a.Channel, &a.MerchantNo, &a.State, &a.N, &a.CapturedFen, &a.RefundedFen, &a.OfflineFen, &a.At)
			w.Attempts = append(w.Attempts, a)
			return err
		}),
		read("captures", `SELECT payment_id, hospital_id, channel, channel_no, attempt, amount_fen FROM captures`, func(r *sql.Rows) error {
			var c check.Capture
			err := r.Scan(&c.PaymentID, &c.Hospital, &c.Channel, &c.ChannelNo, &c.Attempt, &c.AmountFen)
			w.Captures = append(w.Captures, c)
			return err
		}),
		read("refunds", `SELECT payment_id, hospital_id, channel, refund_no, state, n, amount_fen, offline FROM refunds`, func(r *sql.Rows) error {
			var f check.Return
			err := r.Scan(&f.PaymentID, &f.Hospital, &f.Channel, &f.RefundNo, &f.State, &f.N, &f.AmountFen, &f.Offline)
			w.Returns = append(w.Returns, f)
			return err
		}),
		read("cases", `SELECT id, payment_id, reason, operator, workflow_id, opened_at, deadline, cardinality(allowed), decided_at IS NULL
			FROM cases`, func(r *sql.Rows) error {
			var c check.Case
			err := r.Scan(&c.ID, &c.PaymentID, &c.Reason, &c.Operator, &c.Workflow, &c.OpenedAt, &c.Deadline, &c.Allowed, &c.Open)
			w.Cases = append(w.Cases, c)
			return err
		}),
		read("the ledger", `SELECT e.transaction_id, coalesce(t.payment_id, ''), e.hospital_id, coalesce(t.kind, ''), coalesce(t.channel, ''),
			e.account, e.currency, e.amount_fen FROM ledger_entries e LEFT JOIN ledger_transactions t ON t.id = e.transaction_id`, func(r *sql.Rows) error {
			var e check.Entry
			err := r.Scan(&e.Transaction, &e.PaymentID, &e.Hospital, &e.Kind, &e.Channel, &e.Account, &e.Currency, &e.Fen)
			w.Ledger = append(w.Ledger, e)
			return err
		}),
		read("the audit log", `SELECT subject, seq, at, actor, action, detail, encode(prev, 'hex'), encode(hash, 'hex') FROM audit ORDER BY subject, seq`, func(r *sql.Rows) error {
			var a check.Record
			var detail []byte
			if err := r.Scan(&a.Subject, &a.Seq, &a.At, &a.Actor, &a.Action, &detail, &a.Prev, &a.Hash); err != nil {
				return err
			}
			w.Audit = append(w.Audit, a)
			return json.Unmarshal(detail, &w.Audit[len(w.Audit)-1].Detail)
		}),
		read("notifications", `SELECT channel, hospital_id, event_id, payment_id, outcome, length(body_sealed) FROM webhooks`, func(r *sql.Rows) error {
			var h check.Webhook
			err := r.Scan(&h.Channel, &h.Hospital, &h.EventID, &h.PaymentID, &h.Outcome, &h.Bytes)
			w.Webhooks = append(w.Webhooks, h)
			return err
		}),
	)
}

// gather collects everything that the checker wants to know.
func (r *run) gather(ctx context.Context) (check.World, error) {
	var w check.World
	for _, v := range r.visits {
		e := v.ending()
		o := check.Order{Key: check.Key{Hospital: v.Hospital, Order: v.Order}, Slot: "slot-" + v.Order, AmountFen: v.Fen,
			PaymentID: e.PaymentID, Refused: e.Refused, ReturnFen: e.Promised, PaysTwice: v.Conduct == paysTwice, Tells: true}
		told, _ := r.told.Of(e.PaymentID)
		if n := len(told); n > 0 {
			o.Told = string(told[n-1].Data.Status)
		}
		w.Orders = append(w.Orders, o)
	}
	books, err := r.in.Sandbox.Books(ctx)
	if err != nil {
		return w, err
	}
	theirs(books, &w)
	if err := ours(ctx, r.db, &w); err != nil {
		return w, err
	}
	if w.Running, err = r.running(ctx); err != nil {
		return w, err
	}
	return w, nil
}

// evidence adds what takes long to look at, once all is at rest.
func (r *run) evidence(ctx context.Context, w *check.World) error {
	books, err := r.in.Books(ctx)
	if err != nil {
		return err
	}
	w.BrokenChains = map[string]string{}
	for _, p := range w.Payments {
		if err := books.VerifyAudit(ctx, p.ID); err != nil {
			w.BrokenChains[p.ID] = err.Error()
		}
	}
	if w.Thanked, w.Believed, err = notices(r.in.Stack.Log("sandbox")); err != nil {
		return err
	}
	w.Leaks, err = r.leaks(ctx)
	return err
}

// rested says when each payment came to its last change.
func rested(w check.World) map[check.Key]time.Time {
	at := map[check.Key]time.Time{}
	for _, p := range w.Payments {
		at[p.Key] = p.UpdatedAt.UTC()
	}
	return at
}

// byPerson are the payments whose case a person decided, or has to, with the
// cases' reasons.
func byPerson(w check.World) map[check.Key][]string {
	keys := map[string]check.Key{}
	for _, p := range w.Payments {
		keys[p.ID] = p.Key
	}
	all := map[check.Key][]string{}
	for _, c := range w.Cases {
		if c.ByPerson() {
			all[keys[c.PaymentID]] = append(all[keys[c.PaymentID]], c.Reason)
		}
	}
	return all
}
