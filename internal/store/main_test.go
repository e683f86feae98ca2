package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/lib/pq"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/deploy/stack"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/his"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/privacy"
	"github.com/regpay/regpay/internal/store"
)

// server is the PostgreSQL of this run: a private one, or that of DATABASE_URL.
var server *stack.Stack

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	local, err := os.MkdirTemp("", "regpay-store-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "the tests of the books need a folder:", err)
		return 1
	}
	defer func() { _ = os.RemoveAll(local) }()
	// Durability is not what is tested here.
	server, err = stack.Start(context.Background(), stack.Options{Name: "store", Parts: stack.Postgres, Local: local,
		PostgresSettings: map[string]string{"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}})
	if err != nil {
		fmt.Fprintln(os.Stderr, "the tests of the books need a PostgreSQL:", err)
		return 1
	}
	defer func() { _ = server.Stop(context.Background()) }()
	return m.Run()
}

var databases atomic.Int64

// books are a store on a database of its own.
type books struct {
	*store.Store
	dsn  string
	keys *privacy.Keyring
	db   *sql.DB // past the store, for looking and tampering
}

func newDatabase(t testing.TB) string {
	t.Helper()
	dsn, err := server.Database(t.Context(), fmt.Sprintf("store_%d", databases.Add(1)))
	require.NoError(t, err)
	return dsn
}

func newBooks(t testing.TB) *books {
	t.Helper()
	keys, err := privacy.NewKeyring("k1", map[string][]byte{"k1": []byte("0123456789abcdef")})
	require.NoError(t, err)
	dsn := newDatabase(t)
	b := &books{dsn: dsn, keys: keys, Store: openStore(t, dsn, keys)}
	require.NoError(t, b.Migrate(t.Context()))
	b.db, err = sql.Open("postgres", dsn)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.db.Close()) })
	return b
}

func openStore(t testing.TB, dsn string, keys *privacy.Keyring) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Config{DSN: dsn, Keys: keys, MaxConns: 8})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// one reads a single number or text past the store.
func one[T any](t testing.TB, b *books, query string, args ...any) T {
	t.Helper()
	var v T
	require.NoError(t, b.db.QueryRowContext(t.Context(), query, args...).Scan(&v))
	return v
}

// noon is the time of the tests; the nanoseconds are more than PostgreSQL keeps.
var noon = time.Date(2026, 3, 2, 12, 0, 0, 123456789, time.UTC)

const hospital = "h-renmin"

// idCard makes a number that is valid and nobody's: a division that does not
// exist.
func idCard(n int) string {
	first := fmt.Sprintf("99999919900101%03d", n)
	return first + string(payment.IDCardCheck(first))
}

func request(order string, patient int, fen int64) payment.Request {
	return payment.Request{
		Order: payment.Order{
			HospitalID: hospital, OrderNo: order,
			Slot:   payment.Slot{ID: "slot-" + order, Department: "心内科", Doctor: "甄医生", StartsAt: noon.Add(24 * time.Hour)},
			Fees:   []payment.Fee{{Code: "REG", Name: "挂号费", Amount: money.Fen(fen)}},
			Amount: money.Fen(fen),
			Patient: payment.Patient{Name: "欧阳测试", IDType: payment.IDCard, IDNumber: idCard(patient),
				Phone: fmt.Sprintf("1390000%04d", patient), OpenID: "openid-of-nobody"},
		},
		Choice:      payment.Choice{Method: payment.ByWeChat, Scene: payment.Native},
		CallbackURL: "https://booking.example/callback",
	}
}

func opening(r payment.Request) store.Opening {
	id := payment.ID(r.Order.HospitalID, r.Order.OrderNo)
	return store.Opening{Request: r, PaymentID: id, WorkflowID: "payment/" + r.Order.HospitalID + "/" + r.Order.OrderNo,
		At: noon, Deadline: r.Deadline(noon)}
}

func (b *books) open(t testing.TB, order string, fen int64) string {
	t.Helper()
	o := opening(request(order, 1, fen))
	_, err := b.OpenPayment(t.Context(), o)
	require.NoError(t, err)
	return o.PaymentID
}

func charge(order string, attempt int, ch payment.Channel, fen int64) channel.Charge {
	r := request(order, 1, fen)
	return channel.Charge{HospitalID: hospital, PaymentID: payment.ID(hospital, order), Attempt: attempt,
		MerchantNo: payment.MerchantNo(order, attempt), OrderNo: order, Channel: ch, Scene: payment.Native,
		Amount: money.Fen(fen), Total: money.Fen(fen), Description: "预约挂号", CreatedAt: noon.Add(time.Second),
		ExpiresAt: noon.Add(15 * time.Minute), Slot: r.Order.Slot, Fees: r.Order.Fees, Payer: r.Order.Patient}
}

func captured(order string, attempt int, no string, fen int64) channel.Report {
	return channel.Report{MerchantNo: payment.MerchantNo(order, attempt), State: channel.Captured, ChannelNo: no,
		Captured: money.Fen(fen), CapturedAt: noon.Add(time.Minute)}
}

var rate = decimal.RequireFromString("0.006")

func capture(order string, attempt int, no string, fen int64, next payment.Status) store.Capture {
	return store.Capture{PaymentID: payment.ID(hospital, order), Attempt: attempt, Report: captured(order, attempt, no, fen),
		FeeRate: rate, At: noon.Add(time.Minute), Actor: "workflow", Next: next}
}

// ask opens a payment, writes one attempt for the whole of it down, and returns
// its id.
func (b *books) ask(t testing.TB, order string, ch payment.Channel, fen int64, next payment.Status) string {
	t.Helper()
	id := b.open(t, order, fen)
	_, err := b.BeginAttempt(t.Context(), charge(order, 1, ch, fen), next)
	require.NoError(t, err)
	return id
}

// pay takes a payment to Paid by one WeChat attempt and returns its id.
func (b *books) pay(t testing.TB, order string, fen int64) string {
	t.Helper()
	id := b.ask(t, order, payment.WeChat, fen, payment.AwaitingPayment)
	_, err := b.RecordCapture(t.Context(), capture(order, 1, "wx-"+order, fen, payment.Paid))
	require.NoError(t, err)
	return id
}

func (b *books) complete(t testing.TB, order string, fen int64) string {
	t.Helper()
	id := b.pay(t, order, fen)
	require.NoError(t, b.RecordRegistered(t.Context(), id, his.Registered{AppointmentID: "apt-" + order, NoticeID: "n-" + order}, payment.Registered, noon))
	require.NoError(t, b.Complete(t.Context(), id, noon))
	return id
}

func refundOf(id, key string, fen int64) store.RefundOrder {
	return store.RefundOrder{PaymentID: id, Key: key, Attempt: 1, Amount: money.Fen(fen), Reason: "patient_cancelled",
		Actor: "workflow", At: noon.Add(time.Hour)}
}

func status(t testing.TB, b *books, id string) payment.Status {
	t.Helper()
	v, err := b.Payment(t.Context(), id)
	require.NoError(t, err)
	return v.Status
}

func lines(t testing.TB, b *books, id string) int {
	t.Helper()
	all, err := b.Timeline(t.Context(), id)
	require.NoError(t, err)
	return len(all)
}
