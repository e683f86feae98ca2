package store

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jmoiron/sqlx"

	"github.com/regpay/regpay/internal/payment"
)

// What people at the console do beside a payment. The records are on the
// payment's chain, where they cannot be removed without a trace; but they are
// nobody's business outside of the hospital, so Timeline leaves them out.
const (
	actionClaimed    = "case_claimed"
	actionReleased   = "case_released"
	actionCaseViewed = "case_viewed"
	actionViewed     = "payment_viewed"
	actionLogViewed  = "log_viewed"
	actionRevealed   = "personal_data_revealed"
)

// deskActions are those actions for a condition of SQL.
const deskActions = `('` + actionClaimed + `', '` + actionReleased + `', '` + actionCaseViewed + `', '` + actionViewed + `', '` + actionLogViewed + `', '` + actionRevealed +
	`', '` + actionDecisionAsked + `', '` + actionCancelAsked + `', '` + actionRefundAsked + `')`

// viewedOnce is how long one record tells of a person's looks at one page.
const viewedOnce = 10 * time.Minute

// Viewing is somebody opening the page of a case, of a payment when CaseID is
// empty, or of a payment's log, whose purposes can name the patient.
type Viewing struct {
	PaymentID string
	CaseID    string
	Log       bool
	By        string // a staff.Person's subject
	Address   string // where the person sits
}

func (v Viewing) action() string {
	switch {
	case v.Log:
		return actionLogViewed
	case v.CaseID == "":
		return actionViewed
	}
	return actionCaseViewed
}

// viewedLately looks through the end of a payment's log.
const viewedLately = `
SELECT EXISTS (SELECT FROM audit WHERE subject = $1 AND action = $2 AND actor = $3 AND at > $4
                  AND coalesce(detail->>'case', '') = $5 AND coalesce(detail->>'address', '') = $6)`

func (v Viewing) args(at time.Time) []any {
	return []any{v.PaymentID, v.action(), v.By, stamp(at.Add(-viewedOnce)), v.CaseID, v.Address}
}

// ViewLogged notes that somebody opened a page: once for each person, address
// and page in ten minutes, so that a page which refreshes itself does not flood
// the log. An unknown payment or case is ErrNotFound.
func (s *Store) ViewLogged(ctx context.Context, v Viewing, at time.Time) error {
	var known bool
	if err := s.db.GetContext(ctx, &known, viewedLately, v.args(at)...); err != nil {
		return fmt.Errorf("look for views of %.80q: %w", v.PaymentID, err)
	}
	if known {
		return nil // most often, and without a lock on the payment
	}
	err := s.beside(ctx, v.PaymentID, func(tx *sqlx.Tx, log *chain) error {
		if err := caseOfPayment(ctx, tx, v.PaymentID, v.CaseID); err != nil {
			return err
		}
		if err := tx.GetContext(ctx, &known, viewedLately, v.args(at)...); err != nil || known {
			return err
		}
		log.add(stamp(at), v.By, v.action(), details("case", v.CaseID, "address", v.Address))
		return nil
	})
	if err != nil {
		return fmt.Errorf("log a view of %.80q: %w", v.PaymentID, err)
	}
	return nil
}

// caseOfPayment is ErrNotFound for a case that the payment does not have; no
// case is anybody's.
func caseOfPayment(ctx context.Context, tx *sqlx.Tx, paymentID, caseID string) error {
	if caseID == "" {
		return nil
	}
	var known bool
	if err := tx.GetContext(ctx, &known, `SELECT EXISTS (SELECT FROM cases WHERE id = $1 AND payment_id = $2)`, caseID, paymentID); err != nil {
		return fmt.Errorf("look for the case: %w", err)
	}
	if !known {
		return ErrNotFound
	}
	return nil
}

// ErrPurpose: a patient's data are shown for a purpose that can be checked
// later.
var ErrPurpose = errors.New("a purpose has 4 to 200 characters")

const (
	minPurpose = 4 // 核对身份 has four
	maxPurpose = 200
)

// Reveal is somebody asking to see a patient's data in clear.
type Reveal struct {
	PaymentID string
	CaseID    string // empty from a payment's page
	By        string // a staff.Person's subject
	Purpose   string
	Address   string // where the person sits
}

// Revealed is a patient's data in clear.
type Revealed struct {
	Name     string
	IDType   payment.IDType
	IDNumber string
	Phone    string
}

// String keeps the data out of anything that formats values.
func (Revealed) String() string { return "revealed(redacted)" }

// GoString does the same for %#v.
func (Revealed) GoString() string { return "store.Revealed{redacted}" }

// RevealPatient shows a patient's data, and logs who saw them, from where and
// what for. Nothing is shown that is not logged. The purpose is a person's own
// words and can name the patient: it is sealed in the log, which is for ever.
//
// ErrPurpose: too few words, or too many. ErrNotFound: no such payment, or the
// case is another's.
func (s *Store) RevealPatient(ctx context.Context, r Reveal, at time.Time) (Revealed, error) {
	purpose := strings.TrimSpace(r.Purpose)
	if n := utf8.RuneCountInString(purpose); n < minPurpose || n > maxPurpose || !utf8.ValidString(purpose) {
		return Revealed{}, ErrPurpose
	}
	sealed, err := s.sealJSON(purpose, purposePlace, r.PaymentID)
	if err != nil {
		return Revealed{}, fmt.Errorf("reveal the patient of %.80q: %w", r.PaymentID, err)
	}
	var req seen
	err = s.beside(ctx, r.PaymentID, func(tx *sqlx.Tx, log *chain) error {
		if err := caseOfPayment(ctx, tx, r.PaymentID, r.CaseID); err != nil {
			return err
		}
		var request []byte
		if err := tx.GetContext(ctx, &request, readRequest, r.PaymentID); err != nil {
			return fmt.Errorf("read the request: %w", found(err))
		}
		if err := s.openJSON(request, &req, "request", r.PaymentID); err != nil {
			return err
		}
		log.add(stamp(at), r.By, actionRevealed, details("case", r.CaseID, "address", r.Address,
			purposeSealed, base64.RawStdEncoding.EncodeToString(sealed)))
		return nil
	})
	if err != nil {
		return Revealed{}, fmt.Errorf("reveal the patient of %.80q: %w", r.PaymentID, err)
	}
	p := req.Order.Patient
	return Revealed{Name: p.Name, IDType: p.IDType, IDNumber: p.IDNumber, Phone: p.Phone}, nil
}

const (
	purposePlace  = "reveal purpose"
	purposeSealed = "purpose_sealed" // the key of a detail
	purposeOpen   = "purpose"        // what readers of the log get instead
)

// openPurpose makes a record's details readable.
func (s *Store) openPurpose(subject string, detail map[string]string) error {
	text, ok := detail[purposeSealed]
	if !ok {
		return nil
	}
	sealed, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return errors.New("the sealed purpose is not base64")
	}
	var purpose string
	if err := s.openJSON(sealed, &purpose, purposePlace, subject); err != nil {
		return err
	}
	delete(detail, purposeSealed)
	detail[purposeOpen] = purpose
	return nil
}
