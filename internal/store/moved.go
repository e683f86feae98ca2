package store

import "fmt"

// part is the statement of a step that writes more than the payment and its
// log, with the arguments after theirs, and the attempt or the verification as it
// becomes, as far as it is known before it is written.
type part struct {
	statement string
	args      []any
	attempt   attemptRow
	proof     proofRow
}

// The statements of steps. In each of them the payment moves first, if it is as
// it was read, and all else follows from its having moved: no row of moved, and
// nothing is written.
const (
	writePayment     = movePayment + insertRecords
	writeBegun       = movePayment + insertAttempt + insertRecords
	writeAttempt     = movePayment + updateAttempt + insertRecords
	writeCapture     = movePayment + insertCapture + insertRecords
	writeChallenge   = moveIfCodeAllowed + insertChallenge + insertRecords
	rewriteChallenge = movePayment + updateChallenge + insertRecords
	writeProof       = movePayment + updateProof + insertRecords
)

// setPayment takes $1 to $19, insertRecords $20 to $26, and what is between them
// the others.
const (
	movePayment = `
WITH moved AS (` + setPayment + `
     WHERE id = $1 AND audit_head = $2
    RETURNING id, hospital_id
)`

	// moveIfCodeAllowed takes $33 and $35 to $38, too. The payment is locked before
	// the number, as in a step with the row locked. Face checks have no number.
	moveIfCodeAllowed = `
WITH held AS (
    SELECT FROM payments WHERE id = $1 AND audit_head = $2 FOR UPDATE
), moved AS (` + setPayment + `
      FROM held WHERE id = $1 AND ($33::text = '' OR code_allowed($33::text, $35::timestamptz, $36, $37, $38))
    RETURNING id, hospital_id
)`

	setPayment = `
    UPDATE payments SET status = $3, reason = $4, method = $5, captured_fen = $6, reserved_fen = $7, refunded_fen = $8,
           updated_at = $9, pay_by = $10, paid_at = $11, voucher_code = $12, voucher_confirmed_at = $13,
           appointment_id = $14, notice_id = $15, refusal = $16, refund_count = $17, audit_seq = $18, audit_head = $19`
)

const insertRecords = `
INSERT INTO audit (subject, seq, at, actor, action, detail, prev, hash)
SELECT moved.id, seq, at, actor, action, detail::jsonb, prev, hash
  FROM moved, unnest($20::bigint[], $21::timestamptz[], $22::text[], $23::text[], $24::text[], $25::bytea[], $26::bytea[])
    AS r (seq, at, actor, action, detail, prev, hash)`

const insertAttempt = `, begun AS (
    INSERT INTO attempts (payment_id, attempt, hospital_id, channel, scene, merchant_no, state, currency, amount_fen, created_at, charge_sealed)
    SELECT id, $27, hospital_id, $28, $29, $30, $31, $32, $33, $34, $35 FROM moved
)`

// updateAttempt finds the attempt by $1, not by moved.id: a connection keeps its
// plan, and one for empty books might look through all attempts of that number.
const updateAttempt = `, changed AS (
    UPDATE attempts SET prepaid = $28, prepaid_sealed = $29, state = $30, code = $31
      FROM moved WHERE payment_id = $1 AND attempt = $27
)`

const insertChallenge = `, asked AS (
    INSERT INTO challenges (id, payment_id, hospital_id, verify_id_sealed, code_index, out_seq_no, expires_at, kind, phone_index,
           phone_sealed, created_at)
    SELECT $27, id, hospital_id, $28::bytea, $29, $30, $31::timestamptz, $32, $33::text, $34::bytea, $35::timestamptz FROM moved
)`

const updateChallenge = `, asked AS (
    UPDATE challenges SET verify_id_sealed = $28, code_index = $29, out_seq_no = $30, expires_at = $31
      FROM moved WHERE challenges.id = $27
)`

const updateProof = `, answered AS (
    UPDATE challenges SET passed_at = $28, tries = $29 FROM moved WHERE challenges.id = $27
)`

// insertCapture writes a capture, its sum in the attempt, and its ledger
// transaction.
const insertCapture = `, captured AS (
    INSERT INTO captures (payment_id, attempt, channel_no, hospital_id, channel, currency, amount_fen, recorded_at, report)
    SELECT id, $27::int, $28, $29::text, $30::text, $31, $32::bigint, $33::timestamptz, $34::jsonb FROM moved
), summed AS (
    UPDATE attempts SET state = $35, code = $36, captured_fen = captured_fen + $32::bigint, fee_fen = fee_fen + $37::bigint,
           prepaid = $38, prepaid_sealed = $39
      FROM moved WHERE payment_id = $1 AND attempt = $27::int
), booked AS (
    INSERT INTO ledger_transactions (id, payment_id, hospital_id, kind, channel, at)
    SELECT $40::text, id, $29::text, $41, $30::text, $33::timestamptz FROM moved
), entered AS (
    INSERT INTO ledger_entries (transaction_id, line, hospital_id, account, currency, amount_fen)
    SELECT $40::text, line, $29::text, account, currency, amount
      FROM moved, unnest($42::text[], $43::text[], $44::bigint[]) WITH ORDINALITY AS e (account, currency, amount, line)
)`

// write writes the step by its one statement. It reports false where the
// payment was no longer as it was read: nothing is written then.
func (st *step) write() (bool, error) {
	statement := st.also.statement
	if statement == "" {
		statement = writePayment
	}
	r := &st.row
	args := append([]any{r.ID, st.read.Payment.AuditHead, r.Status, r.Reason, r.Method, r.Captured, r.Reserved, r.Refunded,
		st.at, r.PayBy, r.PaidAt, r.Voucher, r.VoucherFinal, r.Appointment, r.Notice, r.Refusal, r.RefundCount,
		st.log.head.Seq, st.log.head.Hash}, st.log.columns()...)
	done, err := st.db.ExecContext(st.ctx, statement, append(args, st.also.args...)...)
	if err != nil {
		return false, fmt.Errorf("write the payment: %w", err)
	}
	n, err := done.RowsAffected() // of the last part, which is the log
	if err != nil {
		return false, fmt.Errorf("write the payment: %w", err)
	}
	return n > 0, nil
}
