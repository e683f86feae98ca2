package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/regpay/regpay/internal/calendar"
	"github.com/regpay/regpay/internal/payment"
)

// Overview is how the work at the review console goes.
type Overview struct {
	Open     int
	Overdue  int           // of Open, past the deadline
	Claimed  int           // of Open, in somebody's hand
	Oldest   time.Time     // when the oldest open case was opened; zero when none is
	ByReason []ReasonCount // of the open ones, most first
	ByDay    []DayCount    // of the decided ones, by day and then by verdict
	Decided  int           // by people
	Resolved int           // over by themselves, or ended by the patient
	Median   time.Duration // from opening to decision, of the latest thousand of Decided; zero when none
	P95      time.Duration
	Backlog  []Unregistered // paid, and not registered at the HIS, by hospital
}

// ReasonCount is how many open cases have a reason.
type ReasonCount struct {
	Reason  payment.Reason `db:"reason"`
	Open    int            `db:"open"`
	Overdue int            `db:"overdue"`
}

// DayCount is how many cases ended by a verdict on one day in China.
type DayCount struct {
	Day     time.Time // its midnight in calendar.Zone
	Verdict payment.Verdict
	Count   int
}

// byPeople is payment.ByNobody's contrary as a condition, that of the index
// cases_decided.
const byPeople = `operator NOT IN ('` + payment.ByPatient + `', '` + payment.ByChannel + `', '` + payment.ByHIS + `')`

// decidedCases is the index of what people decided.
var decidedCases = order{table: "cases", id: "id", at: "decided_at", way: "DESC", which: "decided_at IS NOT NULL AND " + byPeople}

// latestDecisions is how many decisions, of each hospital and of all, Median and
// P95 are of at most: enough for a p95, and as quick for a year as for a day.
const latestDecisions = 1000

// Overview counts what is open at the time at, and what was decided since the
// beginning of the day of since, in China.
func (s *Store) Overview(ctx context.Context, hospitals []string, since, at time.Time) (Overview, error) {
	var out Overview
	for _, part := range []func(context.Context, []string, time.Time, time.Time, *Overview) error{s.openNow, s.decidedSince, s.timeToDecision, s.backlogNow} {
		if err := part(ctx, hospitals, since, at, &out); err != nil {
			return Overview{}, err
		}
	}
	return out, nil
}

func (s *Store) openNow(ctx context.Context, hospitals []string, _, at time.Time, out *Overview) error {
	var rows []struct {
		ReasonCount
		Claimed int       `db:"claimed"`
		Oldest  time.Time `db:"oldest"`
	}
	var w where
	w.hospitals("hospital_id", hospitals)
	w.add("decided_at IS NULL")
	read := s.db.Rebind(`
SELECT reason, count(*) AS open, count(*) FILTER (WHERE deadline < ?) AS overdue,
       count(*) FILTER (WHERE `+claimedNow+`) AS claimed, min(opened_at) AS oldest FROM cases`+w.sql()) + ` GROUP BY reason`
	if err := s.db.SelectContext(ctx, &rows, read, append([]any{stamp(at), stamp(at)}, w.args...)...); err != nil {
		return fmt.Errorf("count the open cases: %w", err)
	}
	for _, r := range rows {
		out.Open += r.Open
		out.Overdue += r.Overdue
		out.Claimed += r.Claimed
		if out.Oldest.IsZero() || r.Oldest.Before(out.Oldest) {
			out.Oldest = r.Oldest.UTC()
		}
		out.ByReason = append(out.ByReason, r.ReasonCount)
	}
	slices.SortFunc(out.ByReason, func(a, b ReasonCount) int {
		return cmp.Or(cmp.Compare(b.Open, a.Open), cmp.Compare(a.Reason, b.Reason))
	})
	return nil
}

func (s *Store) decidedSince(ctx context.Context, hospitals []string, since, _ time.Time, out *Overview) error {
	var rows []struct {
		Day     time.Time       `db:"day"`
		Verdict payment.Verdict `db:"verdict"`
		People  int             `db:"people"`
		Nobody  int             `db:"nobody"`
	}
	var w where
	w.add("day >= ?::date", dayOf(since))
	w.hospitals("hospital_id", hospitals)
	read := s.db.Rebind(`SELECT day, verdict, sum(people) AS people, sum(nobody) AS nobody FROM case_days` + w.sql() + ` GROUP BY day, verdict ORDER BY day, verdict`)
	if err := s.db.SelectContext(ctx, &rows, read, w.args...); err != nil {
		return fmt.Errorf("count the decided cases: %w", err)
	}
	for _, r := range rows {
		y, m, d := r.Day.Date()
		out.ByDay = append(out.ByDay, DayCount{Day: time.Date(y, m, d, 0, 0, 0, 0, calendar.Zone), Verdict: r.Verdict, Count: r.People + r.Nobody})
		out.Resolved += r.Nobody
		out.Decided += r.People
	}
	return nil
}

// timeToDecision reads the index of what people decided alone: of each hospital
// the latest, and of those the latest. The lateral join leaves no other way.
func (s *Store) timeToDecision(ctx context.Context, hospitals []string, since, _ time.Time, out *Overview) error {
	y, m, d := since.In(calendar.Zone).Date()
	from, args := decidedCases.scope(hospitals)
	read := s.db.Rebind(`
SELECT (extract(epoch FROM took[1]) * 1000000)::bigint AS median, (extract(epoch FROM took[2]) * 1000000)::bigint AS p95
  FROM (SELECT percentile_disc(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY latest.took) AS took
          FROM (SELECT c.decided_at - c.opened_at AS took
                  FROM ` + from + ` CROSS JOIN LATERAL (SELECT decided_at, opened_at FROM cases
                        WHERE hospital_id = h.hospital AND ` + decidedCases.which + ` AND decided_at >= ?
                        ORDER BY decided_at DESC LIMIT ` + number(latestDecisions) + `) AS c
                 ORDER BY c.decided_at DESC LIMIT ` + number(latestDecisions) + `) AS latest) AS t`)
	var row struct {
		Median sql.NullInt64 `db:"median"`
		P95    sql.NullInt64 `db:"p95"`
	}
	if err := s.db.GetContext(ctx, &row, read, append(args, time.Date(y, m, d, 0, 0, 0, 0, calendar.Zone))...); err != nil {
		return fmt.Errorf("measure the time to decision: %w", err)
	}
	out.Median, out.P95 = time.Duration(row.Median.Int64)*time.Microsecond, time.Duration(row.P95.Int64)*time.Microsecond
	return nil
}

func (s *Store) backlogNow(ctx context.Context, hospitals []string, _, _ time.Time, out *Overview) error {
	var w where
	w.hospitals("hospital_id", hospitals)
	w.add("status = 'paid' AND refusal = ''")
	read := s.db.Rebind(`SELECT hospital_id, count(*) AS count, min(paid_at) AS oldest FROM payments`+w.sql()) +
		` GROUP BY hospital_id ORDER BY hospital_id`
	if err := s.db.SelectContext(ctx, &out.Backlog, read, w.args...); err != nil {
		return fmt.Errorf("count the unregistered payments: %w", err)
	}
	for i := range out.Backlog {
		out.Backlog[i].Oldest = out.Backlog[i].Oldest.UTC()
	}
	return nil
}
