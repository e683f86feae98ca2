package console

import (
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/channel"
	"github.com/regpay/regpay/internal/money"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/risk"
	"github.com/regpay/regpay/internal/staff"
)

func TestBothLanguagesHaveTheSameWords(t *testing.T) {
	zh, en := allTexts()[Chinese], allTexts()[English]
	require.NotEmpty(t, zh)
	for key := range zh {
		require.Contains(t, en, key, "not in English")
	}
	for key := range en {
		require.Contains(t, zh, key, "not in Chinese")
	}
}

func TestNoWordIsDefinedTwice(t *testing.T) {
	for _, parts := range [][]texts{
		{chinesePages(), chineseWork(), chineseCases(), chineseCodes(), chineseHealth()},
		{englishPages(), englishWork(), englishCases(), englishCodes(), englishHealth()},
	} {
		n := 0
		for _, part := range parts {
			n += len(part)
		}
		require.Len(t, merged(parts...), n)
	}
}

var verbs = regexp.MustCompile(`%[a-z]`)

func TestBothLanguagesTakeTheSameArgumentsInTheSameOrder(t *testing.T) {
	for key, zh := range allTexts()[Chinese] {
		require.Equal(t, verbs.FindAllString(zh, -1), verbs.FindAllString(allTexts()[English][key], -1), key)
	}
}

func TestEveryTextIsWritten(t *testing.T) {
	for l, all := range allTexts() {
		for key, text := range all {
			require.NotEmpty(t, strings.TrimSpace(text), "%s %s", l, key)
		}
	}
}

// Keys as templates and handlers write them.
var (
	inTemplates = regexp.MustCompile(`\bt "([a-z0-9_]+)"`)
	inHandlers  = regexp.MustCompile(`\b(?:say|good|bad)\((?:[a-z.]+, )?"([a-z0-9_]+)"|"((?:wrong|label|hint|queue_tab|problem|nav|flash|signin|answer|sent|case)_[a-z0-9_]+)"`)
)

func TestEveryWordThatPagesUseIsThere(t *testing.T) {
	seen := 0
	check := func(name, key string) {
		seen++
		require.Contains(t, allTexts()[Chinese], key, name)
	}
	err := fs.WalkDir(templateFiles, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := templateFiles.ReadFile(path)
		for _, m := range inTemplates.FindAllStringSubmatch(string(body), -1) {
			check(path, m[1])
		}
		return err
	})
	require.NoError(t, err)
	for _, name := range []string{"queue.go", "casefile.go", "choice.go", "decide.go", "payment.go", "overview.go", "health.go", "maintenance.go",
		"staffpages.go", "audit.go", "file.go", "timeline.go", "pages.go", "charts.go", "his.go", "format.go", "names.go"} {
		body, err := os.ReadFile(name)
		require.NoError(t, err)
		for _, m := range inHandlers.FindAllStringSubmatch(string(body), -1) {
			key := m[1] + m[2]
			if strings.HasSuffix(key, "_") || slices.Contains([]string{"case_decided", "case_opened", "case_overdue", "case_claimed", "case_released", "case_viewed"}, key) {
				continue // the beginning of a key, or a code of the log
			}
			check(name, key)
		}
	}
	require.Greater(t, seen, 200)
}

func TestEveryCodeOfTheDomainHasWords(t *testing.T) {
	var keys []string
	add := func(prefix string, codes ...string) {
		for _, c := range codes {
			keys = append(keys, prefix+"_"+c)
		}
	}
	for _, st := range payment.Statuses() {
		add("status", string(st))
		add("status_means", string(st))
	}
	for _, r := range reasons() {
		add("reason_title", string(r))
		add("reason_what", string(r))
		add("reason_say", string(r))
		for _, v := range r.Allowed() {
			add("verdict_name", string(v))
			add("verdict_does", string(v))
			add("verdict_needs", string(v))
			add("verdict_when", string(v))
		}
	}
	add("verdict_name", string(payment.Resolved))
	for _, ch := range payment.Channels() {
		add("channel", string(ch))
	}
	for _, m := range []payment.Method{payment.ByWeChat, payment.ByUnionPay, payment.ByInsurance, payment.ByMixed} {
		add("method", string(m))
	}
	for _, sys := range payment.Systems() {
		add("system", string(sys))
	}
	for _, st := range []payment.WindowState{payment.WindowUpcoming, payment.WindowActive, payment.WindowPast} {
		add("windowstate", string(st))
	}
	for _, st := range []channel.State{channel.Open, channel.InClearing, channel.Captured, channel.Closed, channel.Declined, channel.Absent, channel.Doubtful} {
		add("attemptstate", string(st))
	}
	for _, st := range []channel.RefundState{channel.RefundProcessing, channel.RefundSucceeded, channel.RefundFailed, channel.RefundAbnormal, channel.RefundAbsent} {
		add("refundstate", string(st))
	}
	for _, r := range staff.Roles() {
		add("role", string(r))
		add("role_does", string(r))
	}
	add("actor", actorWorkflow, bySystem, payment.ByPatient, payment.ByChannel, payment.ByHIS)
	for _, key := range keys {
		require.Contains(t, allTexts()[Chinese], key)
	}
}

func TestAWordThatIsMissingIsItsKey(t *testing.T) {
	require.Equal(t, "no_such_word", say(English, "no_such_word"))
	require.Equal(t, "NOTENOUGH", sayCode(English, "their", "NOTENOUGH"))
}

func TestACodeIsWordedAsItsSideMeansIt(t *testing.T) {
	require.Equal(t, "revoked (12)", theirWord(English, payment.Insurance, "12"))
	require.Equal(t, "sent twice (12)", theirWord(English, payment.UnionPay, "12"))
	require.Equal(t, "FUND_LIMIT", theirWord(English, payment.Insurance, "FUND_LIMIT"), "a code without words is shown")
	require.Empty(t, meaningOf(English, payment.WeChat, ""))
	for _, c := range []struct {
		reason       payment.Reason
		detail, says string
	}{
		{payment.ReviewRisk, "velocity", "several registrations within a short time"},
		{payment.ReviewClearingFailed, "15", "settlement failed"},
		{payment.ReviewClearingOverdue, "no_answer", "no answer at all"},
		{payment.ReviewSplitMismatch, "captured 80.00", "settled ¥80.00"},
		{payment.ReviewRefundFailed, "CLOSED", "WeChat Pay has closed this refund"},
		{payment.ReviewRefundFailed, "15", "15"}, // of whom, is not known
		{payment.ReviewHISDelayed, "", ""},
	} {
		require.Equal(t, c.says, caseDetail(English, c.reason, c.detail), "%s %s", c.reason, c.detail)
	}
}

func TestTheRulesThatWantAPersonHaveWords(t *testing.T) {
	rules := risk.Rules{ReviewAfter: 1, ReviewNoShows: 1, ReviewAmount: money.Fen(100)}
	for _, f := range []risk.Facts{{Started: 2, Amount: money.Fen(1)}, {NoShows: 1, Amount: money.Fen(1)}, {Amount: money.Fen(100)}} {
		got := rules.Assess(f)
		require.Equal(t, risk.Review, got.Verdict)
		require.NotEmpty(t, detailMeaning(Chinese, payment.ReviewRisk, got.Rule), got.Rule)
	}
}
