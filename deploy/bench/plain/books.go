package plain

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/lib/pq"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/his"
	"github.com/regpay/regpay/internal/ledger"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/privacy"
)

// pool is how many connections there are: commits of as many payments share a
// flush.
const pool = 16

// row is a payment as the table has it.
type row struct {
	hospital, order string
	state           payment.Status
	amount          int64 // fen
	index           string
	created, payBy  time.Time
	channelNo       string
}

// paid is a payment that is to be registered and told.
type paid struct {
	hospital, order string
	sealed          []byte
	voucher         string
	at              time.Time
}

// notice is a notification that verified, with the ledger entries of its
// capture.
type notice struct {
	hospital, order string
	report          channel.Report
	received        time.Time
	eventID         string
	header          string
	body            []byte
	booking         ledger.Transaction
	voucher         string
}

// books are the statements, prepared. They are safe for concurrent use.
type books struct {
	db   *sql.DB
	keys *privacy.Keyring

	begin, find, capture, complete, review, claim *sql.Stmt
}

// openBooks connects as regpay's own books do and makes the tables.
func openBooks(ctx context.Context, dsn string, keys *privacy.Keyring) (_ *books, err error) {
	cfg, err := pq.NewConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("open the tables: %w", err)
	}
	cfg.BinaryParameters = true // one round trip for a statement instead of two
	if cfg.Runtime == nil {
		cfg.Runtime = map[string]string{}
	}
	cfg.Runtime["timezone"] = "UTC"
	connector, err := pq.NewConnectorConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("open the tables: %w", err)
	}
	b := &books{db: sql.OpenDB(connector), keys: keys}
	b.db.SetMaxOpenConns(pool)
	b.db.SetMaxIdleConns(pool)
	defer func() {
		if err != nil {
			b.Close()
		}
	}()
	if _, err := b.db.ExecContext(ctx, schema); err != nil {
		return nil, fmt.Errorf("make the tables: %w", err)
	}
	for text, to := range map[string]**sql.Stmt{begin: &b.begin, find: &b.find, capture: &b.capture,
		complete: &b.complete, review: &b.review, claim: &b.claim} {
		if *to, err = b.db.PrepareContext(ctx, text); err != nil {
			return nil, fmt.Errorf("prepare a statement: %w", err)
		}
	}
	return b, nil
}

// Close ends the connections.
func (b *books) Close() { _ = b.db.Close() } // the process ends

// open writes the payment down, or returns the one that is there. fresh is
// false for one that is there: its charge may have been asked for.
func (b *books) open(ctx context.Context, r row, req payment.Request) (_ row, fresh bool, err error) {
	sealed, err := b.seal(req)
	if err != nil {
		return row{}, false, err
	}
	res, err := b.begin.ExecContext(ctx, r.hospital, r.order, payment.ID(r.hospital, r.order),
		payment.MerchantNo(r.order, attempt), r.amount, r.index, sealed, r.created, r.payBy)
	if err != nil {
		return row{}, false, fmt.Errorf("write the payment: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 1 {
		return r, true, err
	}
	known, err := b.read(ctx, r.hospital, r.order)
	return known, false, err
}

// read finds a payment, or returns sql.ErrNoRows.
func (b *books) read(ctx context.Context, hospital, order string) (row, error) {
	r := row{hospital: hospital, order: order}
	err := b.find.QueryRowContext(ctx, hospital, order).
		Scan(&r.state, &r.amount, &r.index, &r.created, &r.payBy, &r.channelNo)
	if err != nil {
		return row{}, fmt.Errorf("read the payment: %w", err)
	}
	r.created, r.payBy = r.created.UTC(), r.payBy.UTC()
	return r, nil
}

// settle writes the capture and everything that belongs to it. ok is false
// when the payment does not wait for this money; nothing was written then.
func (b *books) settle(ctx context.Context, n notice, at time.Time) (_ paid, ok bool, err error) {
	lines := len(n.booking.Postings)
	accounts, amounts := make(pq.StringArray, lines), make(pq.Int64Array, lines)
	for i, p := range n.booking.Postings {
		accounts[i], amounts[i] = string(p.Account.Of(n.hospital)), p.Amount.Minor()
	}
	p := paid{hospital: n.hospital, order: n.order, voucher: n.voucher, at: at}
	// Scan returns after the commit: it reads up to the server's last word.
	err = b.capture.QueryRowContext(ctx, n.hospital, n.order, n.report.Captured.Minor(), n.report.ChannelNo, n.voucher, at,
		n.received, n.eventID, n.header, n.body, n.booking.ID, accounts, amounts).Scan(&p.sealed)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return paid{}, false, nil
	case err != nil:
		return paid{}, false, fmt.Errorf("write the capture: %w", err)
	}
	return p, true, nil
}

// end completes a payment; a repeat changes nothing.
func (b *books) end(ctx context.Context, p paid, r his.Registered, at time.Time) error {
	if _, err := b.complete.ExecContext(ctx, p.hospital, p.order, r.AppointmentID, r.NoticeID, at); err != nil {
		return fmt.Errorf("complete the payment: %w", err)
	}
	return nil
}

// stop leaves a payment that the HIS refuses to a person.
func (b *books) stop(ctx context.Context, p paid, code string) error {
	if _, err := b.review.ExecContext(ctx, p.hospital, p.order, code); err != nil {
		return fmt.Errorf("leave the payment to a person: %w", err)
	}
	return nil
}

// left claims up to n payments that were paid before a time and are not over.
func (b *books) left(ctx context.Context, before, now time.Time, n int) (all []paid, err error) {
	rows, err := b.claim.QueryContext(ctx, before, n, now)
	if err != nil {
		return nil, fmt.Errorf("look for payments that were left: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var p paid
		if err := rows.Scan(&p.hospital, &p.order, &p.sealed, &p.voucher, &p.at); err != nil {
			return nil, fmt.Errorf("read a payment that was left: %w", err)
		}
		p.at = p.at.UTC()
		all = append(all, p)
	}
	return all, rows.Err()
}

func place(hospital, order string) []byte {
	return []byte("plain request\x00" + payment.ID(hospital, order))
}

func (b *books) seal(r payment.Request) ([]byte, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("seal the request: %w", err)
	}
	return b.keys.Seal(text, place(r.Order.HospitalID, r.Order.OrderNo))
}

func (b *books) unseal(p paid) (r payment.Request, err error) {
	text, err := b.keys.Open(p.sealed, place(p.hospital, p.order))
	if err != nil {
		return r, fmt.Errorf("the sealed request: %w", err)
	}
	if json.Unmarshal(text, &r) != nil {
		return r, errors.New("the sealed request cannot be read") // the reason may quote it
	}
	return r, nil
}
