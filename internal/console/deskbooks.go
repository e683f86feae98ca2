package console

import (
	"context"
	"time"

	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/staff"
	"github.com/regpay/regpay/internal/store"
)

// deskBooks is what the pages ask of the books. *store.Store is one; the
// methods and their errors are described there.
type deskBooks interface {
	Queue(ctx context.Context, f store.QueueFilter) (store.Queue, error)
	DeskCase(ctx context.Context, caseID string, at time.Time) (store.DeskCase, error)
	ClaimCase(ctx context.Context, caseID string, p staff.Person, at time.Time) (store.Claim, error)
	ReleaseCase(ctx context.Context, caseID string, p staff.Person, at time.Time) error
	TouchClaim(ctx context.Context, caseID string, p staff.Person, at time.Time) (*store.Claim, error)

	CaseFile(ctx context.Context, caseID string, at time.Time) (store.CaseFile, error)
	PaymentFile(ctx context.Context, paymentID string, at time.Time) (store.File, error)
	Payment(ctx context.Context, id string) (store.View, error)
	FindPayments(ctx context.Context, hospitals []string, text string) ([]store.View, error)
	EarlierOf(ctx context.Context, paymentID string) ([]store.Earlier, error)
	ViewLogged(ctx context.Context, v store.Viewing, at time.Time) error
	RevealPatient(ctx context.Context, r store.Reveal, at time.Time) (store.Revealed, error)

	Overview(ctx context.Context, hospitals []string, since, at time.Time) (store.Overview, error)
	Health(ctx context.Context, hospitals []string, at time.Time) (store.Health, error)

	AnnounceWindow(ctx context.Context, key string, w payment.Window, at time.Time) (done payment.Window, existed bool, err error)
	EndWindow(ctx context.Context, id, by string, at time.Time) (payment.Window, error)
	Window(ctx context.Context, id string) (payment.Window, error)
	Windows(ctx context.Context, f store.WindowFilter) (payment.Windows, error)

	StaffAccounts(ctx context.Context) ([]staff.Account, error)
	StaffAccount(ctx context.Context, login string) (staff.Account, error)
	AddStaff(ctx context.Context, a staff.Account, password, by string, at time.Time) error
	ChangeStaff(ctx context.Context, login string, roles []staff.Role, hospitals []string, by string, at time.Time) error
	SetStaffPassword(ctx context.Context, login, password, by string, at time.Time) error
	DisableStaff(ctx context.Context, login, by string, at time.Time) error
	EnableStaff(ctx context.Context, login, by string, at time.Time) error
	ChangePassword(ctx context.Context, login, old, password, address string, at time.Time) error
	NamesOf(ctx context.Context, subjects []string) (map[string]string, error)

	LogPage(ctx context.Context, subject string, before int64, limit int) ([]store.LogLine, error)
	LogViewed(ctx context.Context, subject, by, address string, at time.Time) error
	VerifyAudit(ctx context.Context, subject string) error
}
