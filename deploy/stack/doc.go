// Package stack brings up, on one machine and without containers, everything
// that a payment passes through: PostgreSQL, the official Temporal server and
// UI, the sandbox with the counterparties, and regpay's own processes.
//
// The idea is that what is tested is what runs. The demo, the integration
// tests, the benchmarks and the fault runs all call [Start] and differ only in
// the [Part]s they ask for. Nothing is simulated in-process: every part is a
// process with a log of its own, on a loopback port of its own, on a database
// cluster that nobody else uses.
//
// A stack lives in a folder of its own under `.local/run` (or REGPAY_LOCAL),
// so several stacks can run side by side. Binaries are built once and kept in
// `.local/tools`; only the first run takes minutes.
//
// Two promises are kept whatever happens. No process is left behind: [Stack.Stop]
// ends them in reverse order and waits for each, and on Linux the kernel ends
// them when the owner dies without having said so. And no foreign process is
// ever touched: a process is only signalled by its owner, or by [Down] after
// its start time was compared with the one written down.
//
// Where DATABASE_URL or TEMPORAL_ADDRESS is set, that server is used instead of
// a private one; on such a server the stack works only in databases whose
// names carry the run's id, and drops them at the end.
//
// The least that a test needs:
//
//	s, err := stack.Start(ctx, stack.Options{Parts: stack.Temporal})
//	…
//	defer s.Stop(context.Background())
//	dsn, err := s.Database(ctx, "regpay")
//
// With the part [Regpay], Options.WriteConfig is called when all else is up.
// It gets what the counterparties handed out and where everything listens,
// writes regpay's configuration into Endpoints.Dir, and answers with the
// commands to run (`starter setup`) and the processes to keep up (`workers`,
// `starter serve`), whose binaries Endpoints.Binary names.
package stack
