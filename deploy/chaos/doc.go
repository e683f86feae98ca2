// Command chaos is the seeded fault run: a steady stream of payments of every
// kind and outcome goes through the HTTP API while everything that a hospital's
// installation stands on is killed, cut off, slowed down and lied to. Then all
// is healed, everything has to come to rest by itself, and package check holds
// what is left against the rules, by the channels' and the HIS's own books.
//
// What happens is drawn beforehand from a seed: the payments with what their
// patients do, and the faults with their times. The same seed is the same plan;
// how a plan meets the machine's own timing differs from run to run.
//
// A crash point, such as "the channel has executed and we have not recorded
// it", needs nothing in the product: the reply is held on the wire, the
// counterparty's own book says that it executed, and then the process that
// waits for the reply is killed.
//
// One thing is left to people, as in a hospital: UnionPay lets an order be paid
// twice and tells of the second payment by its notification alone. Where that is
// lost, it is looked for by the channel's bill with `starter stray`, and counts
// as a payment that ended with a person.
//
// It is called by `make chaos`; SEED=n repeats a plan, SUMMARY=file.json writes
// the result as JSON. The exit status is 0 only when no rule is violated and at
// most one in a hundred of the payments that met a fault ended with a person.
package main
