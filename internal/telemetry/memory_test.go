package telemetry

import (
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheOperatorsWordOnMemoryCounts(t *testing.T) {
	before := debug.SetGCPercent(77)
	defer debug.SetGCPercent(before)
	t.Setenv("GOGC", "50")
	SpendMemory()
	require.Equal(t, 77, debug.SetGCPercent(77), "the runtime has taken GOGC itself")
	t.Setenv("GOGC", "")
	SpendMemory()
	require.Equal(t, gcPercent, debug.SetGCPercent(77))
}
