package plain

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/deploy/stack"
	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/his"
	"github.com/regpay/regpay/internal/ledger"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/privacy"
	"github.com/regpay/regpay/internal/voucher"
)

// server is the PostgreSQL of this run.
var server *stack.Stack

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	folder, err := os.MkdirTemp("", "bench-plain-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "a folder for the tests:", err)
		return 1
	}
	defer func() { _ = os.RemoveAll(folder) }()
	// Durability is not what is tested here.
	server, err = stack.Start(context.Background(), stack.Options{Name: "plain", Parts: stack.Postgres, Local: folder,
		PostgresSettings: map[string]string{"fsync": "off", "track_commit_timestamp": "on"}})
	if err != nil {
		fmt.Fprintln(os.Stderr, "a PostgreSQL for the tests:", err)
		return 1
	}
	defer func() { _ = server.Stop(context.Background()) }()
	return m.Run()
}

const hospital = "h-renmin"

// noon is the time of the tests.
var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

var databases atomic.Int64

// newBooks are books on a database of their own.
func newBooks(t *testing.T) *books {
	t.Helper()
	keys, err := privacy.NewKeyring("k1", map[string][]byte{"k1": []byte("0123456789abcdef")})
	require.NoError(t, err)
	dsn, err := server.Database(t.Context(), fmt.Sprintf("plain_%d", databases.Add(1)))
	require.NoError(t, err)
	b, err := openBooks(t.Context(), dsn, keys)
	require.NoError(t, err)
	t.Cleanup(b.Close)
	return b
}

func request(order string, fen int64) payment.Request {
	return payment.Request{
		Order: payment.Order{HospitalID: hospital, OrderNo: order, Amount: money.Fen(fen),
			Slot:    payment.Slot{ID: "slot-" + order, Department: "心内科", Doctor: "甄医生", StartsAt: noon.Add(24 * time.Hour)},
			Fees:    []payment.Fee{{Code: "REG", Name: "挂号费", Amount: money.Fen(fen)}},
			Patient: payment.Patient{Name: "欧阳测试", IDType: payment.Passport, IDNumber: "E00000000", Phone: "13900000000"}},
		Choice: payment.Choice{Method: payment.ByWeChat, Scene: payment.Native},
	}
}

// opened is a payment that waits for its money.
func opened(t *testing.T, b *books, order string, fen int64) row {
	t.Helper()
	r, fresh, err := b.open(t.Context(), row{hospital: hospital, order: order, state: payment.AwaitingPayment, amount: fen,
		index: "index of " + order, created: noon, payBy: noon.Add(15 * time.Minute)}, request(order, fen))
	require.NoError(t, err)
	require.True(t, fresh)
	return r
}

// told is a notification of a capture.
func told(t *testing.T, order, channelNo string, fen int64) notice {
	t.Helper()
	tx, err := ledger.NewCapture(ledger.Movement{HospitalID: hospital, PaymentID: payment.ID(hospital, order),
		Channel: payment.WeChat, Number: "1-" + channelNo, Amount: money.Fen(fen), Fee: money.Fen(fen / 100), At: noon})
	require.NoError(t, err)
	code, err := voucher.NewCode()
	require.NoError(t, err)
	return notice{hospital: hospital, order: order, received: noon, eventID: "event-" + channelNo, header: "{}",
		body: []byte(`{"as":"it came"}`), booking: tx, voucher: code,
		report: channel.Report{MerchantNo: payment.MerchantNo(order, attempt), State: channel.Captured,
			ChannelNo: channelNo, Captured: money.Fen(fen)}}
}

// settled is a payment whose money is in.
func settled(t *testing.T, b *books, order string, fen int64, at time.Time) paid {
	t.Helper()
	opened(t, b, order, fen)
	p, ok, err := b.settle(t.Context(), told(t, order, "wx-"+order, fen), at)
	require.NoError(t, err)
	require.True(t, ok)
	return p
}

func completed(t *testing.T, b *books, order string, fen int64) {
	t.Helper()
	p := settled(t, b, order, fen, noon)
	require.NoError(t, b.end(t.Context(), p, his.Registered{AppointmentID: "apt-" + order, NoticeID: "n-" + order}, noon))
}
