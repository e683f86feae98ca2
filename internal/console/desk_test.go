package console

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/staff"
	"github.com/regpay/regpay/internal/store"
	"github.com/regpay/regpay/internal/voucher"
)

// deskMemory is the books as the pages see them. What is in file is every
// payment and case that there is.
type deskMemory struct {
	*signInMemory
	file      store.CaseFile
	more      bool
	found     []store.View
	claimed   *store.ClaimedError
	views     []store.Viewing
	reveals   []store.Reveal
	overview  store.Overview
	health    store.Health
	windows   payment.Windows
	windowsOf []string // the hospitals that windows were asked of last
	added     []staff.Account
	password  string
	changed   []string
	lines     []store.LogLine
	chain     error
	filters   []store.QueueFilter
	named     int // how often names were asked for
}

func (m *deskMemory) Queue(_ context.Context, f store.QueueFilter) (store.Queue, error) {
	m.filters = append(m.filters, f)
	q := store.Queue{Counts: store.QueueCounts{All: 1, Overdue: 1}, More: m.more}
	if m.file.Case.ID != "" && m.file.Case.State == store.CaseOpen {
		q.Cases = []store.DeskCase{m.file.Case}
	}
	return q, nil
}

func (m *deskMemory) DeskCase(_ context.Context, id string, _ time.Time) (store.DeskCase, error) {
	if id != m.file.Case.ID {
		return store.DeskCase{}, store.ErrNotFound
	}
	return m.file.Case, nil
}

func (m *deskMemory) CaseFile(_ context.Context, id string, _ time.Time) (store.CaseFile, error) {
	if id != m.file.Case.ID {
		return store.CaseFile{}, store.ErrNotFound
	}
	return m.file, nil
}

func (m *deskMemory) PaymentFile(_ context.Context, id string, _ time.Time) (store.File, error) {
	if id != m.file.Payment.ID {
		return store.File{}, store.ErrNotFound
	}
	return m.file.File, nil
}

func (m *deskMemory) Payment(_ context.Context, id string) (store.View, error) {
	if id != m.file.Payment.ID {
		return store.View{}, store.ErrNotFound
	}
	return m.file.Payment, nil
}

func (m *deskMemory) ClaimCase(_ context.Context, _ string, p staff.Person, at time.Time) (store.Claim, error) {
	if m.claimed != nil {
		return store.Claim{}, m.claimed
	}
	c := store.Claim{By: p.Subject, Name: p.Name, At: at, Until: at.Add(store.ClaimLasts)}
	m.file.Case.Claim = &c
	return c, nil
}

func (m *deskMemory) ReleaseCase(context.Context, string, staff.Person, time.Time) error {
	m.file.Case.Claim = nil
	return nil
}

func (m *deskMemory) TouchClaim(context.Context, string, staff.Person, time.Time) (*store.Claim, error) {
	return m.file.Case.Claim, nil
}

func (m *deskMemory) FindPayments(context.Context, []string, string) ([]store.View, error) {
	return m.found, nil
}

func (m *deskMemory) EarlierOf(context.Context, string) ([]store.Earlier, error) {
	return []store.Earlier{{PaymentID: "pay_before", OrderNo: "BEFORE01", Amount: money.Fen(3000), Cases: []store.EarlierCase{
		{ID: "pay_before-C1", Reason: payment.ReviewRisk, OpenedAt: began, DecidedAt: began.Add(time.Hour), Verdict: payment.Approve, Operator: "local:wang"}}}}, nil
}

func (m *deskMemory) ViewLogged(_ context.Context, v store.Viewing, _ time.Time) error {
	m.views = append(m.views, v)
	return nil
}

func (m *deskMemory) RevealPatient(_ context.Context, r store.Reveal, _ time.Time) (store.Revealed, error) {
	if len(r.Purpose) < 4 {
		return store.Revealed{}, store.ErrPurpose
	}
	m.reveals = append(m.reveals, r)
	return store.Revealed{Name: "张三丰", IDType: payment.IDCard, IDNumber: "11010519491231002X", Phone: "13800005678"}, nil
}

func (m *deskMemory) Health(context.Context, []string, time.Time) (store.Health, error) {
	return m.health, nil
}

func (m *deskMemory) Overview(context.Context, []string, time.Time, time.Time) (store.Overview, error) {
	return m.overview, nil
}

func (m *deskMemory) AnnounceWindow(_ context.Context, _ string, w payment.Window, at time.Time) (payment.Window, bool, error) {
	if w.From.IsZero() {
		w.From = at
	}
	if err := w.Check(at); err != nil {
		return w, false, err
	}
	w.ID = "mw_new"
	m.windows = append(m.windows, w)
	return w, false, nil
}

func (m *deskMemory) EndWindow(_ context.Context, id, by string, _ time.Time) (payment.Window, error) {
	m.changed = append(m.changed, "end "+id+" "+by)
	return payment.Window{}, nil
}

func (m *deskMemory) Window(_ context.Context, id string) (payment.Window, error) {
	for _, w := range m.windows {
		if w.ID == id {
			return w, nil
		}
	}
	return payment.Window{}, store.ErrNotFound
}

func (m *deskMemory) Windows(_ context.Context, f store.WindowFilter) (payment.Windows, error) {
	m.windowsOf = f.Hospitals
	var out payment.Windows
	for _, w := range m.windows {
		if f.State == "" || w.State(f.At) == f.State {
			out = append(out, w)
		}
	}
	return out, nil
}

func (m *deskMemory) StaffAccounts(context.Context) ([]staff.Account, error) {
	var all []staff.Account
	for _, login := range slices.Sorted(maps.Keys(m.accounts)) {
		p := m.accounts[login].person
		all = append(all, staff.Account{Login: login, Name: p.Name, Roles: p.Roles, Hospitals: p.Hospitals})
	}
	return all, nil
}

func (m *deskMemory) NamesOf(_ context.Context, subjects []string) (map[string]string, error) {
	m.named++
	out := map[string]string{}
	for _, a := range m.accounts {
		if slices.Contains(subjects, a.person.Subject) {
			out[a.person.Subject] = a.person.Name
		}
	}
	if slices.Contains(subjects, "oidc:~3f") {
		out["oidc:~3f"] = "王静"
	}
	return out, nil
}

func (m *deskMemory) StaffAccount(_ context.Context, login string) (staff.Account, error) {
	a, ok := m.accounts[login]
	if !ok {
		return staff.Account{}, store.ErrNotFound
	}
	return staff.Account{Login: login, Name: a.person.Name, Roles: a.person.Roles, Hospitals: a.person.Hospitals}, nil
}

func (m *deskMemory) AddStaff(_ context.Context, a staff.Account, password, _ string, _ time.Time) error {
	if _, taken := m.accounts[a.Login]; taken {
		return store.ErrConflict
	}
	m.added, m.password = append(m.added, a), password
	return nil
}

func (m *deskMemory) ChangeStaff(_ context.Context, login string, roles []staff.Role, hospitals []string, by string, _ time.Time) error {
	m.changed = append(m.changed, "rights "+login+" "+string(roles[0])+" "+strings.Join(hospitals, ",")+" "+by)
	return nil
}

func (m *deskMemory) SetStaffPassword(_ context.Context, login, password, _ string, _ time.Time) error {
	m.changed, m.password = append(m.changed, "password "+login), password
	return nil
}

func (m *deskMemory) DisableStaff(_ context.Context, login, by string, _ time.Time) error {
	m.changed = append(m.changed, "disable "+login+" "+by)
	return nil
}

func (m *deskMemory) EnableStaff(_ context.Context, login, by string, _ time.Time) error {
	m.changed = append(m.changed, "enable "+login+" "+by)
	return nil
}

func (m *deskMemory) LogPage(context.Context, string, int64, int) ([]store.LogLine, error) {
	return m.lines, nil
}

func (m *deskMemory) VerifyAudit(context.Context, string) error { return m.chain }

// deskEngine notes what it is asked for, and answers as it is told.
type deskEngine struct {
	Engine
	decided   []payment.Decision
	cancelled []payment.Cancellation
	refunds   []RefundOrder
	err       error
	before    func() // what happens before the answer
}

func (e *deskEngine) Decide(_ context.Context, _ Ref, d payment.Decision) error {
	e.decided = append(e.decided, d)
	if e.before != nil {
		e.before()
	}
	return e.err
}

func (e *deskEngine) Cancel(_ context.Context, _ Ref, c payment.Cancellation) (payment.Answer, error) {
	e.cancelled = append(e.cancelled, c)
	return payment.Answer{Status: payment.Closed}, e.err
}

func (e *deskEngine) Refund(_ context.Context, _ store.View, o RefundOrder) ([]store.RefundRow, error) {
	e.refunds = append(e.refunds, o)
	return []store.RefundRow{{Refund: channel.Refund{Amount: o.Amount}}}, e.err
}

var began = time.Date(2026, 1, 4, 20, 0, 0, 0, time.UTC)

const (
	somePayment = "pay_iwd8bu3p2ecy7ctr5xn74y73"
	someCase    = somePayment + "-C1"
)

// aFile is a mixed payment of ¥50 whose insurance part of ¥30 failed.
func aFile() store.CaseFile {
	c := payment.Case{ID: someCase, Reason: payment.ReviewClearingFailed, Detail: "FAIL", Attempt: 2, OpenedAt: began, Deadline: began.Add(payment.ReviewWindow),
		Allowed: payment.ReviewClearingFailed.Allowed(), Workflow: "payment/ren-he/R20270105000017"}
	v := store.View{Standing: store.Standing{ID: somePayment, HospitalID: renHe, OrderNo: "R20270105000017", Status: payment.InReview,
		Method: payment.ByMixed, Amount: money.Fen(5000), Captured: money.Fen(2000),
		Voucher: &store.Voucher{Code: "S273AAVGZK94", Temporary: true}}, WorkflowID: c.Workflow, CreatedAt: began, UpdatedAt: began, MaskedName: "张**", MaskedPhone: "138****5678",
		Department: "内科", Doctor: "王医生", SlotAt: began.Add(72 * time.Hour), Case: &c,
		Tenders: []store.TenderView{{Attempt: 1, Channel: payment.WeChat, Amount: money.Fen(2000), Captured: money.Fen(2000)}}}
	view := store.CaseView{Case: c, PaymentID: v.ID, HospitalID: renHe, OrderNo: v.OrderNo, Status: v.Status, Method: v.Method, Amount: v.Amount, Captured: v.Captured, State: store.CaseOpen}
	desk := store.DeskCase{CaseView: view}
	return store.CaseFile{Case: desk, File: store.File{Payment: v, Cases: []store.DeskCase{desk},
		Patient: store.MaskedPatient{Name: "张**", IDType: payment.IDCard, IDNumber: "110***********002X", Phone: "138****5678"},
		Timeline: []store.Happening{
			{At: began, Actor: "workflow", Action: "opened", Detail: map[string]string{"status": "pending"}},
			{At: began, Actor: "workflow", Action: "captured", Detail: map[string]string{"amount_fen": "2000", "channel": "wechat", "channel_no": "4200001", "attempt": "1"}},
			{At: began, Actor: "local:wang", Action: "case_viewed", Detail: map[string]string{"case": someCase, "address": "192.0.2.7"}},
			{At: began, Actor: "workflow", Action: "refund_failed", Detail: map[string]string{"refund": "1", "code": "CLOSED"}},
		},
		Attempts: []store.AttemptFile{
			{Attempt: 1, Channel: payment.WeChat, MerchantNo: "R20270105000017A01", State: channel.Captured, Amount: money.Fen(2000), Captured: money.Fen(2000), Prepaid: true,
				Sent: store.Sent{At: began, Description: "挂号费"}, Captures: []store.CaptureFile{{ChannelNo: "4200001", Amount: money.Fen(2000), RecordedAt: began}}},
			{Attempt: 2, Channel: payment.Insurance, MerchantNo: "R20270105000017A02", State: channel.Declined, Code: "FAIL", Amount: money.Fen(3000), Sent: store.Sent{At: began, PsnNo: "44**********", Authorised: true}},
		},
		Refunds: []store.RefundFile{{RefundRow: store.RefundRow{N: 1, State: channel.RefundFailed, Code: "CLOSED", Attempt: 1,
			Refund: channel.Refund{No: "R20270105000017R01", Amount: money.Fen(100)}}, Channel: payment.WeChat}},
		Notices: []store.Notice{{Channel: payment.WeChat, ReceivedAt: began, Outcome: "accepted"}},
	}}
}

// desk is the console with its real pages.
type desk struct {
	*site
	books  *deskMemory
	engine *deskEngine
}

func person(login, name, hospital string, roles ...staff.Role) *fakeAccount {
	return &fakeAccount{password: "a long enough one", person: staff.Person{Subject: staff.LocalSubject(login), Name: name, Roles: roles, Hospitals: []string{hospital}}}
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{engine: &deskEngine{}, books: &deskMemory{file: aFile(), signInMemory: &signInMemory{sessions: map[string]*store.Session{}, accounts: map[string]*fakeAccount{
		"li": person("li", "李娜", renHe, staff.Support), "wang": person("wang", "王芳", renHe, staff.Support), "qian": person("qian", "钱进", renHe, staff.Finance),
		"sun": person("sun", "孙明", renHe, staff.Auditor), "chief": person("chief", "周全", staff.AllHospitals, staff.Auditor), "zhou": person("zhou", "周正", anKang, staff.Support),
		"zhao": person("zhao", "赵敏", staff.AllHospitals, staff.Admin), "feng": person("feng", "冯远", renHe, staff.Admin),
	}}}}
	d.site = &site{t: t, clock: &clockwork{at: began.Add(5 * time.Hour)}, books: d.books.signInMemory}
	var handler http.Handler
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(d.Close)
	vouchers, err := voucher.NewSigner([]byte(strings.Repeat("v", 32)))
	if err != nil {
		t.Fatal(err)
	}
	handler = New(Options{Vouchers: vouchers, Engine: d.engine, Books: d.books, Origin: d.URL, CookieKey: []byte(strings.Repeat("k", 32)), Local: true, Now: d.clock.now, quick: true,
		WorkflowURL: "http://temporal.example/namespaces/default/workflows/",
		Hospitals:   []Hospital{{ID: renHe, Name: map[string]string{"zh-CN": "仁和医院", "en": "Ren He Hospital"}}, {ID: anKang}}})
	return d
}
