// Package tutorial does regpay's job the way that Temporal's tutorials and
// samples show it: one workflow for a payment, one task queue, one worker, and
// every step a regular activity with a start-to-close timeout and the default
// retry policy.
//
// It is what a senior engineer would write who follows today's documentation,
// and it has what that gives for free: the start is an update with start, so
// the caller has its answer in one call; the notification is a signal; the
// worker's options are the SDK's defaults, by which an activity is handed to
// the worker together with the answer to the workflow task that asks for it
// (eager execution).
//
// A payment without trouble is eight activities, because Temporal describes an
// activity as a single, well-defined action and wants larger pieces broken up
// (https://docs.temporal.io/activities), so that each is tried again by itself:
// open the payment, write the attempt down, ask the channel, save its answer;
// then, after the notification, record the capture, register in the HIS,
// record that, tell the booking backend. Each is one transaction or one
// request, with the reads that it needs. Only the last is both: the backend's
// answer completes the payment in the same step, as in regpay, and a ninth
// activity would only be slower.
//
// regpay itself has five steps here: "write down, ask, save the answer" is one
// of them, "register and record it" another. That cut is part of regpay's
// design, so the arm does not borrow it by default. With those five steps as
// regular activities the arm saves three activities a payment and would be
// somewhat faster; that is the coarse variant, which Worker and NewEngine offer
// so that it can be measured. Temporal's guidance does not forbid it: where to
// cut is left to judgement. Eight against regpay is the difference of the cut
// and of how a step is run together; coarse against regpay leaves the cut out.
//
// Either way the same rows are written to the same tables and the same requests
// leave by the same clients; data is encrypted by the same converter, and the
// same search attributes are set at the start and at the end. With eight there
// are three reads fewer: of maintenance windows before the charge and before
// the registration, and of the line of older registrations.
//
// Like every Temporal workflow it survives the loss of a worker, of the API
// and of Temporal itself at any line: each step is idempotent and is tried
// until it succeeds or is refused for good. A payment that nobody makes is
// closed at the channel and in the books.
//
// It leaves out what regpay does in trouble: reviews, refunds, insurance and
// mixed payments, a change of method or a cancellation by the patient, waiting
// for the end of maintenance, looking by itself when no notification comes,
// queues, rates and patience of their own for each system, timelines and
// queries. None of these is on the way of a payment without trouble, except
// that regpay's workflow tells its timeline to Temporal's UI as it goes, which
// costs no event. A payment that needs one of them fails in sight.
package tutorial
