package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/store"
)

func TestALookAtAPageIsLoggedOnceInTenMinutes(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	id, c := b.openCase(t, "ORDER0001", payment.ReviewRisk, 0)
	look := func(v store.Viewing, after time.Duration) {
		v.PaymentID = id
		require.NoError(t, b.ViewLogged(ctx, v, noon.Add(after)))
	}
	v := store.Viewing{CaseID: c, By: li.Subject, Address: "10.0.0.1"}
	for _, after := range []time.Duration{0, time.Second, 9 * time.Minute} {
		look(v, after)
	}
	require.Equal(t, 1, logged(t, b, id, "case_viewed"))
	look(v, 10*time.Minute)
	require.Equal(t, 2, logged(t, b, id, "case_viewed"))

	other := v
	other.By = wang.Subject
	look(other, 10*time.Minute)
	elsewhere := v
	elsewhere.Address = "10.0.0.2"
	look(elsewhere, 10*time.Minute)
	require.Equal(t, 4, logged(t, b, id, "case_viewed"), "another person, and another place")
	require.Zero(t, logged(t, b, id, "payment_viewed"))
	v.CaseID = ""
	look(v, 10*time.Minute)
	look(v, 11*time.Minute)
	require.Equal(t, 1, logged(t, b, id, "payment_viewed"), "another page")
	require.Equal(t, 4, logged(t, b, id, "case_viewed"))

	v.Log = true
	look(v, 11*time.Minute)
	look(v, 12*time.Minute)
	require.Equal(t, 1, logged(t, b, id, "log_viewed"), "whose purposes can name the patient")

	for _, wrong := range []store.Viewing{{PaymentID: "pay_unknown", By: li.Subject}, {PaymentID: id, CaseID: "no-such-case", By: li.Subject}} {
		require.ErrorIs(t, b.ViewLogged(ctx, wrong, noon), store.ErrNotFound)
	}
}

func TestAPatientIsRevealedAndThatIsLogged(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	id, c := b.openCase(t, "ORDER0001", payment.ReviewRisk, 0)
	other, _ := b.openCase(t, "ORDER0002", payment.ReviewRisk, 0)
	p := request("ORDER0001", 1, 5000).Order.Patient
	const purpose = "欧阳测试来电，核对身份"

	for _, few := range []string{"", "   ", "核对 ", "abc", strings.Repeat("长", 201), "broken \xff utf-8"} {
		_, err := b.RevealPatient(ctx, store.Reveal{PaymentID: id, By: li.Subject, Purpose: few}, noon)
		require.ErrorIs(t, err, store.ErrPurpose, "%q", few)
	}
	require.Zero(t, logged(t, b, id, "personal_data_revealed"))

	r := store.Reveal{PaymentID: id, CaseID: c, By: li.Subject, Purpose: " " + purpose + " ", Address: "10.0.0.1"}
	for range 2 {
		got, err := b.RevealPatient(ctx, r, noon)
		require.NoError(t, err)
		require.Equal(t, store.Revealed{Name: p.Name, IDType: p.IDType, IDNumber: p.IDNumber, Phone: p.Phone}, got)
		for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
			require.NotContains(t, fmt.Sprintf(format, got), p.Phone)
		}
	}
	require.Equal(t, 2, logged(t, b, id, "personal_data_revealed"), "every time")
	for _, wrong := range []store.Reveal{{PaymentID: "pay_unknown"}, {PaymentID: other, CaseID: c}} {
		wrong.By, wrong.Purpose = li.Subject, purpose
		_, err := b.RevealPatient(ctx, wrong, noon)
		require.ErrorIs(t, err, store.ErrNotFound)
	}
	require.Zero(t, logged(t, b, other, "personal_data_revealed"))

	dump := one[string](t, b, "SELECT string_agg(a::text, ' ') FROM audit a")
	require.NotContains(t, dump, "欧阳", "what a person wrote is sealed in the log")

	all, err := b.LogPage(ctx, id, 0, 1)
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.Equal(t, map[string]string{"case": c, "address": "10.0.0.1", "purpose": purpose}, all[0].Detail)
	require.Equal(t, li.Subject, all[0].Actor)
	f, err := b.PaymentFile(ctx, id, noon)
	require.NoError(t, err)
	require.Equal(t, purpose, f.Timeline[len(f.Timeline)-1].Detail["purpose"])
	public, err := b.Timeline(ctx, id)
	require.NoError(t, err)
	require.Len(t, public, len(f.Timeline)-2)
}

func TestALogIsReadInPages(t *testing.T) {
	b := newBooks(t)
	ctx := t.Context()
	id, c := b.openCase(t, "ORDER0001", payment.ReviewRisk, 0)
	for i := range 5 {
		require.NoError(t, b.ViewLogged(ctx, store.Viewing{PaymentID: id, CaseID: c, By: fmt.Sprint("local:p", i)}, noon))
	}
	var got []int64
	for before := int64(0); ; {
		page, err := b.LogPage(ctx, id, before, 3)
		require.NoError(t, err)
		for _, l := range page {
			got = append(got, l.Seq)
		}
		if len(page) < 3 {
			break
		}
		before = page[2].Seq
	}
	require.Equal(t, []int64{7, 6, 5, 4, 3, 2, 1}, got)
	none, err := b.LogPage(ctx, "no such subject", 0, 0)
	require.NoError(t, err)
	require.Empty(t, none)
}
