package money_test

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/regpay/regpay/internal/money"
)

var currencies = []money.Currency{money.CNY, money.HKD, money.USD, money.EUR, money.JPY}

func anyMoney(c money.Currency) *rapid.Generator[money.Money] {
	return rapid.Custom(func(t *rapid.T) money.Money {
		return money.Minor(rapid.Int64Range(-money.MaxMinor, money.MaxMinor).Draw(t, "minor"), c)
	})
}

func TestArithmeticIsThatOfWholeNumbers(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := rapid.SampledFrom(currencies).Draw(rt, "currency")
		a, b := anyMoney(c).Draw(rt, "a"), anyMoney(c).Draw(rt, "b")
		sum, err := a.Add(b)
		require.NoError(rt, err)
		require.Equal(rt, a.Minor()+b.Minor(), sum.Minor())
		back, err := sum.Sub(b)
		require.NoError(rt, err)
		require.True(rt, back.Equal(a))
		cmp, err := a.Cmp(b)
		require.NoError(rt, err)
		require.Equal(rt, big.NewInt(a.Minor()).Cmp(big.NewInt(b.Minor())), cmp)
		all, err := money.Sum(a, b, a)
		require.NoError(rt, err)
		require.Equal(rt, 2*a.Minor()+b.Minor(), all.Minor())
	})
}

func TestEveryWireKeepsTheAmount(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := rapid.SampledFrom(currencies).Draw(rt, "currency")
		m := anyMoney(c).Draw(rt, "m")
		b, err := json.Marshal(m)
		require.NoError(rt, err)
		require.NotContains(rt, string(b), ".", "whole minor units")
		var got money.Money
		require.NoError(rt, json.Unmarshal(b, &got))
		require.True(rt, got.Equal(m))
		parsed, err := money.Parse(m.Yuan(), c)
		require.NoError(rt, err)
		require.True(rt, parsed.Equal(m))
		again, err := money.New(m.Decimal(), c)
		require.NoError(rt, err)
		require.Equal(rt, m.Minor(), again.Minor())
	})
}

func TestCurrenciesDoNotMix(t *testing.T) {
	a, b := money.Fen(1), money.Minor(1, money.USD)
	_, err := a.Add(b)
	require.ErrorIs(t, err, money.ErrMixed)
	_, err = a.Sub(b)
	require.ErrorIs(t, err, money.ErrMixed)
	_, err = a.Cmp(b)
	require.ErrorIs(t, err, money.ErrMixed)
	_, err = money.Sum(a, b)
	require.ErrorIs(t, err, money.ErrMixed)
	require.False(t, a.Equal(b))

	sum, err := money.Money{}.Add(a)
	require.NoError(t, err)
	require.True(t, sum.Equal(a), "no money of no currency adds to any")
	require.False(t, money.Money{}.Valid())
	require.False(t, money.Minor(1, "XXX").Valid())
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		text     string
		currency money.Currency
		minor    int64
		err      error
	}{
		{"12.50", money.CNY, 1250, nil},
		{"-0.01", money.CNY, -1, nil},
		{"7", money.JPY, 7, nil},
		{"12.500", money.CNY, 1250, nil},
		{"12.501", money.CNY, 0, money.ErrPrecision},
		{"7.5", money.JPY, 0, money.ErrPrecision},
		{"10000000000000.01", money.CNY, 0, money.ErrRange},
		{"12.50", "XXX", 0, money.ErrCurrency},
		{"", money.CNY, 0, money.ErrSyntax},
		{"-", money.CNY, 0, money.ErrSyntax},
		{"1e3", money.CNY, 0, money.ErrSyntax},
		{"1e999999999", money.CNY, 0, money.ErrSyntax},
		{"+1", money.CNY, 0, money.ErrSyntax},
		{"1,000", money.CNY, 0, money.ErrSyntax},
		{" 1", money.CNY, 0, money.ErrSyntax},
		{".5", money.CNY, 0, money.ErrSyntax},
		{"5.", money.CNY, 0, money.ErrSyntax},
		{"1.2.3", money.CNY, 0, money.ErrSyntax},
		{"１２", money.CNY, 0, money.ErrSyntax},
	} {
		got, err := money.Parse(c.text, c.currency)
		if c.err != nil {
			require.ErrorIs(t, err, c.err, c.text)
			continue
		}
		require.NoError(t, err, c.text)
		require.Equal(t, c.minor, got.Minor(), c.text)
	}
}

func TestJSONThatIsRefused(t *testing.T) {
	for _, text := range []string{`{"minor":1,"currency":"XXX"}`, `{"minor":1000000000000001,"currency":"CNY"}`,
		`{"minor":1.5,"currency":"CNY"}`, `"1"`, `{"minor":-1000000000000001,"currency":"CNY"}`, `{"minor":1}`} {
		var m money.Money
		require.Error(t, json.Unmarshal([]byte(text), &m), text)
	}
}

func TestARateIsRoundedToTheFenAndStaysWithinTheAmount(t *testing.T) {
	require.EqualValues(t, 1, money.Fen(84).Times(decimal.RequireFromString("0.006")).Minor())
	require.EqualValues(t, 0, money.Fen(83).Times(decimal.RequireFromString("0.006")).Minor())
	require.EqualValues(t, 1, money.Fen(50).Times(decimal.RequireFromString("0.01")).Minor(), "half a fen goes up")
	require.EqualValues(t, -1, money.Fen(-50).Times(decimal.RequireFromString("0.01")).Minor(), "and down below zero")
	rapid.Check(t, func(rt *rapid.T) {
		m := money.Fen(rapid.Int64Range(0, 5_000_000).Draw(rt, "fen"))
		r := decimal.New(rapid.Int64Range(0, 10_000).Draw(rt, "rate"), -4)
		part := m.Times(r)
		require.GreaterOrEqual(rt, part.Minor(), int64(0))
		require.LessOrEqual(rt, part.Minor(), m.Minor())
		off := part.Decimal().Sub(m.Decimal().Mul(r)).Abs()
		require.True(rt, off.LessThanOrEqual(decimal.New(5, -3)), "off by %s", off)
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"12.50", "-1", "1e9", "00.10", "9999999999999.99", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, err := money.Parse(s, money.CNY)
		if err != nil {
			return
		}
		again, err := money.Parse(m.Yuan(), money.CNY)
		if err != nil || !again.Equal(m) {
			t.Fatalf("%q is %s, which reads as %s: %v", s, m, again, err)
		}
		if strings.ContainsAny(s, "eE+ ,") {
			t.Fatalf("%q was taken", s)
		}
	})
}

func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"minor":1250,"currency":"CNY"}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var m money.Money
		if json.Unmarshal(b, &m) != nil {
			return
		}
		out, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		var again money.Money
		if err := json.Unmarshal(out, &again); err != nil || !again.Equal(m) {
			t.Fatalf("%s reads back as %s: %v", out, again, err)
		}
	})
}
