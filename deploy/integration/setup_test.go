package integration

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/regpay/regpay/deploy/stack"
	"github.com/regpay/regpay/internal/payment"
)

// TestSetupCanBeRepeatedAndRunTwiceAtOnce: an installation that is in use is
// set up again, by several at the same time, and goes on.
func TestSetupCanBeRepeatedAndRunTwiceAtOnce(t *testing.T) {
	w := hold(t)
	v := w.begin(t, renmin, wechatNative)
	var all errgroup.Group
	for i := range 3 {
		all.Go(func() error {
			return w.in.Stack.Run(t.Context(), stack.Process{
				Name: fmt.Sprintf("setup-again-%d", i), Path: w.in.Stack.Endpoints().Binary("starter"),
				Args: []string{"setup", "--config", w.in.ConfigPath, "--log", "error"},
			})
		})
	}
	require.NoError(t, all.Wait())
	v.pay()
	v.isRegisteredOnce(v.until(payment.Completed))
}
