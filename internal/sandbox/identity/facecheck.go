package identity

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"regexp"
	"sync"
	"time"
)

// verify_ret of a check that the patient has been through (queryVerifyInfo's enum).
const (
	retSuccess   = 10000
	retMismatch  = 10003
	retCancelled = 90004 // left while the face was being read
	retNetwork   = 90007
)

// Errors of setResult.
var (
	errUnknownCheck = errors.New("no such face check")
	errTooLate      = errors.New("the face check expired before it was done")
	errBadResult    = errors.New("result must be success, mismatch, cancelled, network or pending")
)

// FaceEntry is a face check as an outsider reads it in the books: without the person.
type FaceEntry struct {
	Hospital string `json:"hospital"`
	VerifyID string `json:"verify_id"`
	OutSeqNo string `json:"out_seq_no"`
	// VerifyRet is zero as long as the patient has not done it.
	VerifyRet int       `json:"verify_ret"`
	CreatedAt time.Time `json:"created_at"` // UTC
}

// faceCheck is one check. Of the person it keeps only what a query must match.
type faceCheck struct {
	FaceEntry
	appID, openID, certHash string
	plausible               bool // the ID number can exist
	waiting                 bool // the patient was told not to do it yet
}

type seqKey struct{ appID, seqNo string }

// faces holds the checks of every account.
type faces struct {
	now   func() time.Time
	seqNo *regexp.Regexp

	mu    sync.Mutex
	byID  map[string]*faceCheck
	bySeq map[seqKey]*faceCheck
	order []*faceCheck
}

func newFaces(now func() time.Time) *faces {
	return &faces{now: now, seqNo: newSeqNo(), byID: map[string]*faceCheck{}, bySeq: map[seqKey]*faceCheck{}}
}

func (c *faceCheck) expiresIn(now time.Time) time.Duration {
	return c.CreatedAt.Add(verifyIDSeconds * time.Second).Sub(now)
}

// open makes a check, or finds the one that the same request made before. It returns the
// seconds that are left to start it.
func (f *faces) open(opened account, request idRequest) (verifyID string, expiresIn int, refusal *faceRefusal) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now, key, hash := f.now(), seqKey{opened.appID, request.OutSeqNo}, request.CertInfo.hash()
	if before, ok := f.bySeq[key]; ok {
		if before.certHash != hash || before.openID != request.OpenID {
			return "", 0, &faceRefusal{errSeqNoUsed, "out_seq_no was used for another check"}
		}
		left := before.expiresIn(now)
		if left <= 0 {
			return "", 0, &faceRefusal{errExpired, "the verify_id of this out_seq_no has expired"}
		}
		return before.VerifyID, int(left / time.Second), nil
	}
	raw := make([]byte, 32)
	if _, err := rand.Read(raw); err != nil {
		return "", 0, &faceRefusal{errSystemBusy, "system error"}
	}
	check := &faceCheck{
		FaceEntry: FaceEntry{Hospital: opened.hospital, VerifyID: hex.EncodeToString(raw), OutSeqNo: request.OutSeqNo, CreatedAt: now.UTC()},
		appID:     opened.appID, openID: request.OpenID, certHash: hash, plausible: canExist(request.CertInfo.No),
	}
	f.byID[check.VerifyID], f.bySeq[key] = check, check
	f.order = append(f.order, check)
	return check.VerifyID, verifyIDSeconds, nil
}

// result answers a query. Everything that was given when the check was opened must be
// given again, otherwise an identity could be swapped between the two calls.
func (f *faces) result(opened account, request resultRequest) (verifyRet int, refusal *faceRefusal) {
	f.mu.Lock()
	defer f.mu.Unlock()
	check, ok := f.byID[request.VerifyID]
	if !ok || check.appID != opened.appID || check.OutSeqNo != request.OutSeqNo || check.openID != request.OpenID {
		return 0, &faceRefusal{errBadVerifyID, "invalid verify id"}
	}
	if check.certHash != request.CertHash {
		return 0, &faceRefusal{errCertHash, "cert_hash does not match"}
	}
	if check.VerifyRet != 0 {
		return check.VerifyRet, nil
	}
	if check.expiresIn(f.now()) <= 0 {
		return 0, &faceRefusal{errExpired, "verify id expired"}
	}
	if check.waiting {
		return 0, &faceRefusal{errNoResult, "verify result not exist"}
	}
	check.VerifyRet = retSuccess
	if !check.plausible {
		check.VerifyRet = retMismatch
	}
	return check.VerifyRet, nil
}

// setResult lets the patient do the check, or leave it for later.
func (f *faces) setResult(verifyID, result string) error {
	rets := map[string]int{"success": retSuccess, "mismatch": retMismatch, "cancelled": retCancelled, "network": retNetwork, "pending": 0}
	ret, known := rets[result]
	if !known {
		return errBadResult
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	check, ok := f.byID[verifyID]
	if !ok {
		return errUnknownCheck
	}
	if check.VerifyRet == 0 && check.expiresIn(f.now()) <= 0 {
		return errTooLate
	}
	check.VerifyRet, check.waiting = ret, ret == 0
	return nil
}

func (f *faces) entries() []FaceEntry {
	f.mu.Lock()
	defer f.mu.Unlock()
	entries := make([]FaceEntry, 0, len(f.order))
	for _, check := range f.order {
		entries = append(entries, check.FaceEntry)
	}
	return entries
}
