package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/payment"
)

// A window is announced while another step reads that there is none.
func TestMaintenanceThatWasReadBeforeAChangeIsNotKept(t *testing.T) {
	k := windows{known: map[string]knownWindows{}}
	reads := 0
	look := func(meanwhile func()) {
		_, err := k.of("ren-he", time.Now(), func(time.Time) (payment.Windows, error) {
			reads++
			meanwhile()
			return nil, nil
		})
		require.NoError(t, err)
	}
	look(func() { k.forget("ren-he") })
	look(func() {})
	require.Equal(t, 2, reads)
}
