package payment_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/regpay/regpay/internal/payment"
)

var orders = rapid.StringMatching(`[0-9A-Za-z]{6,24}`)

// Every number comes apart into what it was made of, no two are alike, and
// all fit every channel: letters and digits, 9 to 27 of them.
func TestANumberComesApartIntoOrderAndAttempt(t *testing.T) {
	fits := regexp.MustCompile(`^[0-9A-Za-z]{9,27}$`)
	rapid.Check(t, func(t *rapid.T) {
		order, n := orders.Draw(t, "order"), rapid.IntRange(1, payment.MaxAttempts).Draw(t, "n")
		charge, refund := payment.MerchantNo(order, n), payment.RefundNo(order, n)
		require.Regexp(t, fits, charge)
		o, m, ok := payment.SplitMerchantNo(charge)
		require.True(t, ok)
		require.Equal(t, order, o)
		require.Equal(t, n, m)
		o, m, ok = payment.SplitRefundNo(refund)
		require.True(t, ok)
		require.Equal(t, order, o)
		require.Equal(t, n, m)
		_, _, ok = payment.SplitRefundNo(charge)
		require.False(t, ok, "a charge's number is no refund's")
		_, _, ok = payment.SplitMerchantNo(refund)
		require.False(t, ok)
	})
}

func TestNumbersOfDifferentOrdersNeverMeet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := orders.Draw(t, "a"), orders.Draw(t, "b")
		n, m := rapid.IntRange(1, payment.MaxAttempts).Draw(t, "n"), rapid.IntRange(1, payment.MaxAttempts).Draw(t, "m")
		same := a == b && n == m
		require.Equal(t, same, payment.MerchantNo(a, n) == payment.MerchantNo(b, m))
		require.Equal(t, same, payment.RefundNo(a, n) == payment.RefundNo(b, m))
		require.NotEqual(t, payment.MerchantNo(a, n), payment.RefundNo(b, m))
	})
}

func TestANumberThatWasNotMadeHereIsRefused(t *testing.T) {
	for _, no := range []string{"", "A01", "ORDERA01", "ORDER0001A00", "ORDER0001A1", "ORDER0001A+1", "ORDER0001A-1", "ORDER0001A1 ", "ORDER0001A 1",
		"ORDER0001a01", "ORDER-001A01", "ORDER0001A0x", "ORDER0001", strings.Repeat("1", 25) + "A01", "ORDER0001\nA01", "ORDER0001A０"} {
		_, _, ok := payment.SplitMerchantNo(no)
		require.False(t, ok, "%q", no)
	}
}

func FuzzANumberIsTakenApartOnlyWhenItCanBePutTogether(f *testing.F) {
	for _, seed := range []string{"ORDER0001A01", "ORDER0001R99", "A", "ORDER0001A+1", "\xff\xffA01"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, no string) {
		if order, n, ok := payment.SplitMerchantNo(no); ok {
			require.Equal(t, no, payment.MerchantNo(order, n))
		}
		if order, n, ok := payment.SplitRefundNo(no); ok {
			require.Equal(t, no, payment.RefundNo(order, n))
		}
	})
}

func TestAPaymentsIdIsOfItsOrderAndTellsNothingOfIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := orders.Draw(t, "a"), orders.Draw(t, "b")
		h := rapid.SampledFrom([]string{"h-one", "h-two", "h"}).Draw(t, "hospital")
		id := payment.ID(h, a)
		require.Regexp(t, `^pay_[a-z2-9]{24}$`, id)
		require.Equal(t, id, payment.ID(h, a), "a repeated start has the same")
		require.Equal(t, a == b, id == payment.ID(h, b))
		require.NotEqual(t, id, payment.ID(h+"x", a))
		require.NotContains(t, id, a)
	})
	require.NotEqual(t, payment.ID("h-1", "2ORDER"), payment.ID("h-12", "ORDER"), "the border between the two is part of it")
}

// One digit that is wrong, or two neighbours that are swapped, are seen.
func TestAnIdentityCardsCheckCharacterSeesASlip(t *testing.T) {
	digits := "0123456789"
	rapid.Check(t, func(t *rapid.T) {
		first17 := rapid.StringMatching(`[1-9][0-9]{5}19[0-9]{2}0[1-9][0-2][1-8][0-9]{3}`).Draw(t, "first17")
		card := first17 + string(payment.IDCardCheck(first17))
		require.True(t, payment.ValidIDCard(card))
		require.True(t, payment.ValidIDCard(strings.ToLower(card)), "x is as good as X")
		at := rapid.IntRange(0, 16).Draw(t, "at")
		d := digits[rapid.IntRange(0, 9).Draw(t, "digit")]
		slip := card[:at] + string(d) + card[at+1:]
		require.Equal(t, slip == card, payment.ValidIDCard(slip))
		if at < 16 && card[at] != card[at+1] {
			swapped := card[:at] + string(card[at+1]) + string(card[at]) + card[at+2:]
			require.False(t, payment.ValidIDCard(swapped))
		}
	})
}

func TestWhatIsNoIdentityCard(t *testing.T) {
	for _, s := range []string{"", "11010119900307123", "1101011990030712345", "A10101199003071233", "110101199002301237", "110101199013011233",
		"110101 99003071233", "11010119900307123*", "010101199003071233", "１10101199003071233"} {
		require.False(t, payment.ValidIDCard(s), s)
	}
}
