package archive

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/regpay/regpay/internal/payment"
)

// key is a row of the books to ask for.
type key struct {
	ID       string          `db:"id"` // of the payment
	Hospital string          `db:"hospital_id"`
	Order    string          `db:"order_no"`
	At       time.Time       `db:"created_at"`
	Status   payment.Status  `db:"status"`
	N        int             `db:"n"`  // of the attempt or refund
	No       string          `db:"no"` // of the attempt, refund, case or challenge
	Channel  payment.Channel `db:"channel"`
}

// drawn are keys at random from all of the books.
type drawn struct {
	payments, attempts, refunds, cases, open, challenges, waiting []key
	byHospital                                                    map[string][]key // of payments
}

const sample = 3000

func (b *books) draw(ctx context.Context) (*drawn, error) {
	d := &drawn{byHospital: map[string][]key{}}
	const base = `q.payment_id AS id, q.hospital_id, q.order_no, q.created_at, p.status FROM requests q JOIN payments p ON p.id = q.payment_id`
	random := fmt.Sprintf(` ORDER BY random() LIMIT %d`, sample)
	for _, s := range []struct {
		into *[]key
		sql  string
	}{
		{&d.payments, `SELECT ` + base + random},
		{&d.attempts, `SELECT a.attempt AS n, a.merchant_no AS no, a.channel, ` + base + ` JOIN attempts a ON a.payment_id = p.id` + random},
		{&d.refunds, `SELECT r.n, r.refund_no AS no, r.channel, ` + base + ` JOIN refunds r ON r.payment_id = p.id` + random},
		{&d.cases, `SELECT c.id AS no, ` + base + ` JOIN cases c ON c.payment_id = p.id` + random},
		{&d.open, `SELECT c.id AS no, ` + base + ` JOIN cases c ON c.payment_id = p.id WHERE c.decided_at IS NULL` + random},
		{&d.challenges, `SELECT c.id AS no, ` + base + ` JOIN challenges c ON c.payment_id = p.id` + random},
		{&d.waiting, `SELECT ` + base + ` WHERE p.status = 'paid' AND p.refusal = ''` + random},
	} {
		if err := b.db.SelectContext(ctx, s.into, s.sql); err != nil {
			return nil, fmt.Errorf("draw keys: %w", err)
		}
		if len(*s.into) == 0 {
			return nil, fmt.Errorf("draw keys: none for %s", s.sql)
		}
	}
	for _, k := range d.payments {
		d.byHospital[k.Hospital] = append(d.byHospital[k.Hospital], k)
	}
	for h := range b.o.Hospitals { // the small ones are hardly in the sample
		if len(d.byHospital[hospitalID(h)]) > 50 {
			continue
		}
		var some []key
		if err := b.db.SelectContext(ctx, &some, `SELECT `+base+` WHERE q.hospital_id = $1 ORDER BY q.payment_id LIMIT 500`, hospitalID(h)); err != nil {
			return nil, fmt.Errorf("draw keys: %w", err)
		}
		d.byHospital[hospitalID(h)] = some
	}
	return d, nil
}

// one is any of them.
func one(r *rand.Rand, of []key) key { return of[r.IntN(len(of))] }
