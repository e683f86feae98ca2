package unionpay

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestTheStringToSignIsSortedWithoutEmptyFieldsAndSignature(t *testing.T) {
	form := Form{"txnType": "01", "merId": "777290058110048", "signature": "x", "reqReserved": "", "orderId": "20170324101151", "Zulu": "a&b=c"}
	assert.Equal(t, "Zulu=a&b=c&merId=777290058110048&orderId=20170324101151&txnType=01", form.StringToSign())
}

func TestAFormSurvivesEncoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		form := Form(rapid.MapOf(rapid.StringMatching(`[A-Za-z0-9]{1,12}`), rapid.StringN(1, 20, 60)).Draw(t, "form"))
		read, err := ParseForm([]byte(form.Encode()))
		require.NoError(t, err)
		assert.Equal(t, form, read)
	})
}

func FuzzParseForm(f *testing.F) {
	for _, seed := range []string{"a=1&b=2", "a=%E6%88%90", "a=1&a=2", "a", "=", "a=%", "&&", "a=+"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		form, err := ParseForm(body)
		if err != nil {
			return
		}
		// What was accepted means the same after writing it again.
		again, err := ParseForm([]byte(form.Encode()))
		require.NoError(t, err)
		require.Equal(t, form.StringToSign(), again.StringToSign())
	})
}
