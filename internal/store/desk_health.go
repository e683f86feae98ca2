package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/regpay/regpay/internal/payment"
)

// Health is how the systems that payments need have answered lately, as far as
// the books know: nobody is asked. It is read from the latest payments of each
// hospital (100 of one, 10 of each of several), so that it costs the same after
// a quiet night and in a rush; in a rush they span less than an hour, and the
// shares stay right.
type Health struct {
	Channels []ChannelHealth // by hospital, then channel; those of which there is a charge
	HIS      []HISHealth     // by hospital; those that have payments
	Refunds  []RefundHealth  // by hospital, then channel; those that have an unfinished one
}

// ChannelHealth is of a hospital's account at one channel.
type ChannelHealth struct {
	HospitalID string
	Channel    payment.Channel
	Quarter    Charges   // begun in the last 15 minutes, but for the last minute
	Hour       Charges   // begun in the last 60 minutes, but for the last minute
	LastPaid   time.Time // when money came in last; zero when none did of the latest payments
	LastNotice time.Time // when a notification came in last; zero likewise
}

// Charges are what became of some charges at a channel. The last minute's are
// left out: they may just be under way.
type Charges struct {
	Begun    int
	Captured int // the money is in
	Failed   int // the channel tried and could not, or asks for a person
	Unknown  int // the channel has not answered the first call: nobody knows
}

// HISHealth is of a hospital's information system. What waits for it now is
// Overview.Backlog.
type HISHealth struct {
	HospitalID     string
	Registered     int // in the last 60 minutes
	Refused        int // by its rules, of the payments begun in the last 60 minutes
	LastRegistered time.Time
}

// RefundHealth are the refunds that are not back yet.
type RefundHealth struct {
	HospitalID string
	Channel    payment.Channel
	OnTheWay   int // all that the channel has or is about to get
	Late       int // of OnTheWay, those that should be back by now
	Failed     int // refused, stuck or not known at the channel: each has a case, or had
	Oldest     time.Time
}

const (
	latestOfOne     = 100 // payments, so that a channel that few use is among them
	latestOfSeveral = 10  // of each
	quarter         = 15 * time.Minute
	hour            = time.Hour
	underWay        = time.Minute // what a charge may take that nobody worries about
)

// Health reads it as of at.
func (s *Store) Health(ctx context.Context, hospitals []string, at time.Time) (Health, error) {
	var out Health
	for _, part := range []func(context.Context, []string, time.Time, *Health) error{s.channelHealth, s.noticeHealth, s.hisHealth, s.refundHealth} {
		if err := part(ctx, hospitals, at, &out); err != nil {
			return Health{}, err
		}
	}
	return out, nil
}

// latestOf are the latest payments of each hospital, from the index of their
// requests. What is joined to them is looked up for each, in lateral queries that
// OFFSET 0 keeps whole: the planner does not know how few they are, and would
// rather read a table from end to end.
func latestOf(hospitals []string) (from string, args []any) {
	latest := latestOfSeveral
	if len(hospitals) == 1 && hospitals[0] != AllHospitals {
		latest = latestOfOne
	}
	from, args = newestRequests.scope(hospitals)
	return from + ` CROSS JOIN LATERAL (SELECT payment_id, created_at FROM requests
        WHERE hospital_id = h.hospital ORDER BY created_at DESC, payment_id DESC LIMIT ` + number(latest) + `) AS q`, args
}

// channelHealth counts what was written of each charge: prepaid and its state
// are what the channel answered last.
func (s *Store) channelHealth(ctx context.Context, hospitals []string, at time.Time, out *Health) error {
	from, args := latestOf(hospitals)
	counted := func(name string) string {
		return `count(*) FILTER (WHERE a.created_at >= t.` + name + ` AND a.created_at < t.settled) AS ` + name + `_begun,
       count(*) FILTER (WHERE a.created_at >= t.` + name + ` AND a.created_at < t.settled AND a.captured_fen > 0) AS ` + name + `_captured,
       count(*) FILTER (WHERE a.created_at >= t.` + name + ` AND a.created_at < t.settled AND a.captured_fen = 0
                          AND a.state IN ('declined', 'doubtful', 'absent')) AS ` + name + `_failed,
       count(*) FILTER (WHERE a.created_at >= t.` + name + ` AND a.created_at < t.settled AND a.captured_fen = 0
                          AND NOT a.prepaid AND a.state = 'open') AS ` + name + `_unknown`
	}
	read := s.db.Rebind(`
SELECT a.hospital_id, a.channel, ` + counted("quarter") + `, ` + counted("hour") + `,
       max(c.recorded_at) AS last_paid
  FROM (SELECT ?::timestamptz AS quarter, ?::timestamptz AS hour, ?::timestamptz AS settled) AS t CROSS JOIN ` + from + `
  CROSS JOIN LATERAL (SELECT * FROM attempts WHERE payment_id = q.payment_id OFFSET 0) AS a
  LEFT JOIN LATERAL (SELECT max(recorded_at) AS recorded_at FROM captures
                      WHERE a.captured_fen > 0 AND payment_id = a.payment_id AND attempt = a.attempt OFFSET 0) AS c ON true
 GROUP BY a.hospital_id, a.channel ORDER BY a.hospital_id, a.channel`)
	var rows []struct {
		HospitalID      string          `db:"hospital_id"`
		Channel         payment.Channel `db:"channel"`
		QuarterBegun    int             `db:"quarter_begun"`
		QuarterCaptured int             `db:"quarter_captured"`
		QuarterFailed   int             `db:"quarter_failed"`
		QuarterUnknown  int             `db:"quarter_unknown"`
		HourBegun       int             `db:"hour_begun"`
		HourCaptured    int             `db:"hour_captured"`
		HourFailed      int             `db:"hour_failed"`
		HourUnknown     int             `db:"hour_unknown"`
		LastPaid        sql.NullTime    `db:"last_paid"`
	}
	args = append([]any{stamp(at.Add(-quarter)), stamp(at.Add(-hour)), stamp(at.Add(-underWay))}, args...)
	if err := s.db.SelectContext(ctx, &rows, read, args...); err != nil {
		return fmt.Errorf("count the latest charges: %w", err)
	}
	for _, r := range rows {
		out.Channels = append(out.Channels, ChannelHealth{HospitalID: r.HospitalID, Channel: r.Channel, LastPaid: utc(r.LastPaid),
			Quarter: Charges{r.QuarterBegun, r.QuarterCaptured, r.QuarterFailed, r.QuarterUnknown},
			Hour:    Charges{r.HourBegun, r.HourCaptured, r.HourFailed, r.HourUnknown}})
	}
	return nil
}

// noticeHealth finds the last notification that was believed.
func (s *Store) noticeHealth(ctx context.Context, hospitals []string, _ time.Time, out *Health) error {
	from, args := latestOf(hospitals)
	read := s.db.Rebind(`
SELECT w.hospital_id, w.channel, max(w.received_at) AS last
  FROM ` + from + `
  CROSS JOIN LATERAL (SELECT hospital_id, channel, received_at FROM webhooks
                       WHERE payment_id = q.payment_id AND payment_id <> '' OFFSET 0) AS w
 GROUP BY w.hospital_id, w.channel`)
	var rows []struct {
		HospitalID string          `db:"hospital_id"`
		Channel    payment.Channel `db:"channel"`
		Last       time.Time       `db:"last"`
	}
	if err := s.db.SelectContext(ctx, &rows, read, args...); err != nil {
		return fmt.Errorf("find the latest notifications: %w", err)
	}
	for _, r := range rows {
		for i := range out.Channels {
			if c := &out.Channels[i]; c.HospitalID == r.HospitalID && c.Channel == r.Channel {
				c.LastNotice = r.Last.UTC()
			}
		}
	}
	return nil
}

// hisHealth counts registrations: a voucher becomes final when the HIS has
// answered.
func (s *Store) hisHealth(ctx context.Context, hospitals []string, at time.Time, out *Health) error {
	from, args := latestOf(hospitals)
	read := s.db.Rebind(`
SELECT p.hospital_id, count(*) FILTER (WHERE p.voucher_confirmed_at >= t.hour) AS registered,
       count(*) FILTER (WHERE p.refusal <> '' AND p.created_at >= t.hour) AS refused, max(p.voucher_confirmed_at) AS last
  FROM (SELECT ?::timestamptz AS hour) AS t CROSS JOIN ` + from + `
  CROSS JOIN LATERAL (SELECT * FROM payments WHERE id = q.payment_id OFFSET 0) AS p
 GROUP BY p.hospital_id ORDER BY p.hospital_id`)
	var rows []struct {
		HospitalID string       `db:"hospital_id"`
		Registered int          `db:"registered"`
		Refused    int          `db:"refused"`
		Last       sql.NullTime `db:"last"`
	}
	if err := s.db.SelectContext(ctx, &rows, read, append([]any{stamp(at.Add(-hour))}, args...)...); err != nil {
		return fmt.Errorf("count the latest registrations: %w", err)
	}
	for _, r := range rows {
		out.HIS = append(out.HIS, HISHealth{HospitalID: r.HospitalID, Registered: r.Registered, Refused: r.Refused, LastRegistered: utc(r.Last)})
	}
	return nil
}

// refundHealth reads the index of the unfinished refunds alone.
func (s *Store) refundHealth(ctx context.Context, hospitals []string, at time.Time, out *Health) error {
	var w where
	w.add("state <> 'succeeded'")
	w.hospitals("hospital_id", hospitals)
	read := s.db.Rebind(`
SELECT hospital_id, channel, count(*) FILTER (WHERE state = 'processing') AS on_the_way,
       count(*) FILTER (WHERE state = 'processing' AND expected_by < ?) AS late,
       count(*) FILTER (WHERE state <> 'processing') AS failed, min(requested_at) AS oldest
  FROM refunds` + w.sql() + ` GROUP BY hospital_id, channel ORDER BY hospital_id, channel`)
	var rows []struct {
		HospitalID string          `db:"hospital_id"`
		Channel    payment.Channel `db:"channel"`
		OnTheWay   int             `db:"on_the_way"`
		Late       int             `db:"late"`
		Failed     int             `db:"failed"`
		Oldest     time.Time       `db:"oldest"`
	}
	if err := s.db.SelectContext(ctx, &rows, read, append([]any{stamp(at)}, w.args...)...); err != nil {
		return fmt.Errorf("count the unfinished refunds: %w", err)
	}
	for _, r := range rows {
		out.Refunds = append(out.Refunds, RefundHealth{HospitalID: r.HospitalID, Channel: r.Channel, OnTheWay: r.OnTheWay, Late: r.Late,
			Failed: r.Failed, Oldest: r.Oldest.UTC()})
	}
	return nil
}
