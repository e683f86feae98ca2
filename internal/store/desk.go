package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/lib/pq"

	"github.com/regpay/regpay/internal/payment"
)

// QueueTab is a part of the queue of open cases.
type QueueTab string

// The tabs.
const (
	QueueAll       QueueTab = ""
	QueueMine      QueueTab = "mine"      // claimed by the reader
	QueueUnclaimed QueueTab = "unclaimed" // in nobody's hand
	QueueOverdue   QueueTab = "overdue"   // past the deadline
)

// QueueFilter selects open cases, the longest open first.
type QueueFilter struct {
	Hospitals []string         // as in Filter
	Reasons   []payment.Reason // none for every one
	Tab       QueueTab
	By        string // the subject of the reader
	Search    string // of a payment, as FindPayments takes it; empty for every one
	Limit     int    // 1 to 500; 50 when zero
	// After is the ID of the last case of the page before.
	After string
	// At is the time at which claims hold and deadlines have passed.
	At time.Time
}

// QueueCounts are of the filter's hospitals and reasons, whatever its tab and
// search.
type QueueCounts struct {
	All       int `db:"everything"`
	Mine      int `db:"mine"`
	Unclaimed int `db:"unclaimed"`
	Overdue   int `db:"overdue"`
}

// Queue is a page of the queue.
type Queue struct {
	Cases  []DeskCase
	Counts QueueCounts
	More   bool // there are cases behind the last one
}

// DeskCase is a case as the console shows it. Proposals have their note.
type DeskCase struct {
	CaseView
	Claim      *Claim    // nil when none holds, and for a decided case
	ProposedAt time.Time // zero without a proposal
}

type deskRow struct {
	caseViewRow
	claimRow
	ProposedAt sql.NullTime `db:"proposed_at"`
}

const selectDesk = `
SELECT ` + caseViewColumns + `, c.claimed_by, c.claimed_name, c.claimed_at, c.claim_until, c.proposed_at` + fromCases

// claimedNow is the condition of a claim that holds at the time of its argument.
const claimedNow = `coalesce(claim_until > ?, false)`

// Queue reads a page of the open cases, and the counts of all tabs.
func (s *Store) Queue(ctx context.Context, f QueueFilter) (Queue, error) {
	counts, err := s.queueCounts(ctx, f)
	if err != nil {
		return Queue{}, err
	}
	out := Queue{Counts: counts}
	var w where
	f.reasons(&w)
	switch f.Tab {
	case QueueMine:
		w.add("claimed_by = ? AND "+claimedNow, f.By, stamp(f.At))
	case QueueUnclaimed:
		w.add("NOT "+claimedNow, stamp(f.At))
	case QueueOverdue:
		w.add("deadline < ?", stamp(f.At))
	}
	if f.After != "" && !isID(f.After) {
		return out, nil
	}
	if f.After != "" {
		w.after("cases", "opened_at", "id", ">", f.After)
	}
	n := limit(f.Limit)
	page := ""
	if strings.TrimSpace(f.Search) == "" {
		page = w.merged(openCases, f.Hospitals, n+1)
	} else {
		ids, err := s.findIDs(ctx, f.Hospitals, f.Search)
		if err != nil || len(ids) == 0 {
			return out, err
		}
		w.add("payment_id = ANY (?)", pq.StringArray(ids))
		w.add("decided_at IS NULL")
		page = "(SELECT id FROM cases" + w.sql() + " ORDER BY opened_at, id LIMIT " + number(n+1) + ")"
	}
	out.Cases, err = s.desk(ctx, f.At, ` JOIN `+page+` AS page ON page.id = c.id ORDER BY c.opened_at, c.id`, w.args...)
	if err != nil {
		return Queue{}, err
	}
	if out.More = len(out.Cases) > n; out.More {
		out.Cases = out.Cases[:n]
	}
	return out, nil
}

func (f QueueFilter) reasons(w *where) {
	if len(f.Reasons) == 0 {
		return
	}
	words := make(pq.StringArray, len(f.Reasons))
	for i, r := range f.Reasons {
		words[i] = string(r)
	}
	slices.Sort(words)
	w.add("reason = ANY (?)", words)
}

func (s *Store) queueCounts(ctx context.Context, f QueueFilter) (QueueCounts, error) {
	var w where
	w.hospitals("hospital_id", f.Hospitals)
	f.reasons(&w)
	w.add("decided_at IS NULL")
	read := s.db.Rebind(`
SELECT count(*) AS everything, count(*) FILTER (WHERE claimed_by = ? AND ` + claimedNow + `) AS mine,
       count(*) FILTER (WHERE NOT ` + claimedNow + `) AS unclaimed, count(*) FILTER (WHERE deadline < ?) AS overdue
  FROM cases` + w.sql())
	at := stamp(f.At)
	var out QueueCounts
	if err := s.db.GetContext(ctx, &out, read, append([]any{f.By, at, at, at}, w.args...)...); err != nil {
		return QueueCounts{}, fmt.Errorf("count the queue: %w", err)
	}
	return out, nil
}

// DeskCase reads one case with its claim, or returns ErrNotFound.
func (s *Store) DeskCase(ctx context.Context, caseID string, at time.Time) (DeskCase, error) {
	if !isID(caseID) {
		return DeskCase{}, fmt.Errorf("read case: %w", ErrNotFound)
	}
	all, err := s.desk(ctx, at, ` WHERE c.id = ?`, caseID)
	if err != nil {
		return DeskCase{}, err
	}
	if len(all) == 0 {
		return DeskCase{}, fmt.Errorf("read case: %w", ErrNotFound)
	}
	return all[0], nil
}

// isID says whether a text that somebody sent can be an id at all: of one that is
// no text the database would say so, not that there is none.
func isID(s string) bool {
	return s != "" && len(s) <= 128 && utf8.ValidString(s) && !strings.ContainsRune(s, 0)
}

func (s *Store) desk(ctx context.Context, at time.Time, where string, args ...any) ([]DeskCase, error) {
	var rows []deskRow
	if err := s.db.SelectContext(ctx, &rows, s.db.Rebind(selectDesk+where), args...); err != nil {
		return nil, fmt.Errorf("read cases: %w", err)
	}
	out := make([]DeskCase, len(rows))
	for i, r := range rows {
		v, err := s.caseView(r.caseViewRow)
		if err != nil {
			return nil, err
		}
		out[i] = DeskCase{CaseView: v, ProposedAt: utc(r.ProposedAt)}
		if v.State == CaseOpen {
			out[i].Claim = r.claim(at)
		}
	}
	return out, nil
}
