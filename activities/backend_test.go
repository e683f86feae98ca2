package activities_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/regpay/regpay/activities"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

// listener is a booking backend that keeps what it was sent.
type listener struct {
	*httptest.Server
	header []http.Header
	bodies [][]byte
}

func listen(t *testing.T, status int) *listener {
	l := &listener{}
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		l.header, l.bodies = append(l.header, r.Header), append(l.bodies, body)
		if status/100 == 3 {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(l.Close)
	return l
}

func backend(w *world, now time.Time) *activities.Backend {
	return &activities.Backend{Store: w, Hospitals: w, Clock: func() time.Time { return now }, HTTP: &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func registered() store.View {
	return store.View{Standing: store.Standing{ID: "pay_1", HospitalID: "h-one", OrderNo: "ORDER0001", Status: payment.Registered,
		Method: payment.ByMixed, Amount: money.Fen(5000), Captured: money.Fen(5000), Refunded: money.Fen(0), AppointmentID: "A-1",
		Voucher: &store.Voucher{Code: "v-1"}}, MaskedName: "王**", MaskedPhone: "138****5678", Doctor: "李医生"}
}

func TestACallbackIsSignedSoThatTheStandardLibraryVerifiesIt(t *testing.T) {
	w, l := newWorld(), listen(t, http.StatusOK)
	w.view = registered()
	b := backend(w, time.Now())
	_, err := local(t, b, b.Tell, activities.TellIn{PaymentID: "pay_1", HospitalID: "h-one", URL: l.URL})
	require.NoError(t, err)
	verifier, err := standardwebhooks.NewWebhookRaw(w.secret)
	require.NoError(t, err)
	require.NoError(t, verifier.Verify(l.bodies[0], l.header[0]))
	require.Error(t, verifier.Verify(bytes.Replace(l.bodies[0], []byte("5000"), []byte("5001"), 1), l.header[0]), "a changed amount is seen")
	other, err := standardwebhooks.NewWebhookRaw([]byte("another hospital's secret"))
	require.NoError(t, err)
	require.Error(t, other.Verify(l.bodies[0], l.header[0]))

	var c activities.Callback
	require.NoError(t, json.Unmarshal(l.bodies[0], &c))
	require.Equal(t, "payment.completed", c.Type, "the answer to this message is what completes it")
	require.Equal(t, activities.CallbackData{PaymentID: "pay_1", HospitalID: "h-one", OrderNo: "ORDER0001", Status: payment.Completed,
		Method: payment.ByMixed, AmountFen: 5000, CapturedFen: 5000, Voucher: "v-1", AppointmentID: "A-1"}, c.Data)
	require.Equal(t, []string{"standing", "complete"}, w.did)
	for _, personal := range []string{"王", "138", "李医生"} {
		require.NotContains(t, string(l.bodies[0]), personal, "I10")
	}
}

func TestARepeatOfAMessageHasTheSameId(t *testing.T) {
	w, l := newWorld(), listen(t, http.StatusOK)
	w.view = registered()
	for i := range 2 {
		b := backend(w, time.Now().Add(time.Duration(i)*time.Minute))
		_, err := local(t, b, b.Tell, activities.TellIn{PaymentID: "pay_1", HospitalID: "h-one", URL: l.URL})
		require.NoError(t, err)
	}
	tell := func() {
		b := backend(w, time.Now())
		_, err := local(t, b, b.Tell, activities.TellIn{PaymentID: "pay_1", HospitalID: "h-one", URL: l.URL})
		require.NoError(t, err)
	}
	w.view.Voucher.Void = true // a refund of the whole was asked for
	tell()
	w.view.Status, w.view.Refunded = payment.Refunded, money.Fen(5000)
	tell()
	id := func(i int) string { return l.header[i].Get(standardwebhooks.HeaderWebhookID) }
	require.Equal(t, id(0), id(1))
	require.NotEqual(t, id(0), id(2), "without the voucher it is another message")
	require.NotEqual(t, id(0), id(3), "another state is another message")
}

func TestOnlyASuccessCountsAsTold(t *testing.T) {
	for status, told := range map[int]bool{200: true, 204: true, 301: false, 307: false, 400: false, 404: false, 500: false, 503: false} {
		w, l := newWorld(), listen(t, status)
		w.view = registered()
		b := backend(w, time.Now())
		_, err := local(t, b, b.Tell, activities.TellIn{PaymentID: "pay_1", HospitalID: "h-one", URL: l.URL})
		require.Equal(t, told, err == nil, status)
		require.False(t, activities.IsFinal(err), "it is tried again")
		require.Len(t, l.bodies, 1, "the signed body goes to nobody else")
		if !told {
			require.NotContains(t, w.did, "complete")
		}
	}
}

func TestAnErrorOfTheCallbackDoesNotRepeatTheAddress(t *testing.T) {
	for _, address := range []string{"http://127.0.0.1:1/paid?token=hush-hush", "http://[::1:/paid?token=hush-hush", "ftp://x/?token=hush-hush"} {
		w := newWorld()
		w.view = registered()
		b := backend(w, time.Now())
		_, err := local(t, b, b.Tell, activities.TellIn{PaymentID: "pay_1", HospitalID: "h-one", URL: address})
		require.Error(t, err)
		for e := err; e != nil; e = errors.Unwrap(e) {
			require.NotContains(t, e.Error(), "hush-hush")
		}
	}
	w := newWorld()
	w.view = registered()
	b := backend(w, time.Now())
	_, err := local(t, b, b.Tell, activities.TellIn{URL: "http://[::1:/"})
	require.True(t, activities.IsFinal(err), "an address that is none does not get better")
}

func TestWhatTheBackendIsToldAtOtherPoints(t *testing.T) {
	for _, tc := range []struct {
		name    string
		view    func(*store.View)
		kind    string
		voucher string
		did     []string
	}{
		{"a temporary voucher", func(v *store.View) {
			v.Status, v.Voucher.Temporary, v.AppointmentID = payment.Paid, true, ""
		}, "payment.paid", "v-1", []string{"standing"}},
		{"a void voucher is not told", func(v *store.View) { v.Status, v.Voucher.Void = payment.Refunded, true }, "payment.refunded", "", []string{"standing"}},
		{"none", func(v *store.View) { v.Status, v.Voucher = payment.Closed, nil }, "payment.closed", "", []string{"standing"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w, l := newWorld(), listen(t, http.StatusOK)
			w.view = registered()
			tc.view(&w.view)
			b := backend(w, time.Now())
			_, err := local(t, b, b.Tell, activities.TellIn{PaymentID: "pay_1", HospitalID: "h-one", URL: l.URL})
			require.NoError(t, err)
			var c activities.Callback
			require.NoError(t, json.Unmarshal(l.bodies[0], &c))
			require.Equal(t, tc.kind, c.Type)
			require.Equal(t, tc.voucher, c.Data.Voucher)
			require.Equal(t, w.view.Voucher != nil && w.view.Voucher.Temporary, c.Data.Temporary)
			require.Equal(t, tc.did, w.did)
		})
	}
}

func TestAPaymentWithoutACallbackIsCompletedAllTheSame(t *testing.T) {
	w := newWorld()
	w.view = registered()
	b := backend(w, noon)
	_, err := local(t, b, b.Tell, activities.TellIn{PaymentID: "pay_1", HospitalID: "h-one"})
	require.NoError(t, err)
	require.Equal(t, []string{"standing", "complete"}, w.did)
}

func TestNobodyToTellAndNothingToCompleteIsNothingToDo(t *testing.T) {
	w := newWorld()
	b := backend(w, noon)
	_, err := local(t, b, b.Tell, activities.TellIn{PaymentID: "pay_1", HospitalID: "h-one", Settled: true})
	require.NoError(t, err)
	require.Empty(t, w.did)
}

func TestAPaymentThatIsBeingRefundedMeanwhileIsNotCompleted(t *testing.T) {
	w, l := newWorld(), listen(t, http.StatusOK)
	w.view = registered()
	w.errs["complete"] = store.ErrTransition
	b := backend(w, time.Now())
	_, err := local(t, b, b.Tell, activities.TellIn{PaymentID: "pay_1", HospitalID: "h-one", URL: l.URL})
	require.NoError(t, err)
	books := &activities.Books{Store: w, Hospitals: w}
	_, err = local(t, books, books.Complete, activities.CompleteIn{})
	require.NoError(t, err)
}

func TestAHospitalWithoutASecretIsAMistakeAndNoOutage(t *testing.T) {
	w := newWorld()
	w.view = registered()
	w.errs["secret"] = payment.Problem{Code: payment.CodeHospital, Text: "no hospital"}
	b := backend(w, noon)
	_, err := local(t, b, b.Tell, activities.TellIn{URL: "http://127.0.0.1:1/"})
	var app *temporal.ApplicationError
	require.ErrorAs(t, err, &app)
	require.Equal(t, activities.ErrTypeProblem, app.Type())
	require.False(t, strings.Contains(err.Error(), "secret of"))
}
