package telemetry

import (
	"os"
	"runtime/debug"
)

// gcPercent lets the heap grow to five times what is alive before it is
// cleaned. These processes keep next to nothing alive, so that Go's default
// would clean all the time: the difference was a tenth of their CPU, for some
// tens of megabytes.
const gcPercent = 400

// SpendMemory trades memory for CPU, unless the operator has set GOGC.
func SpendMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}
