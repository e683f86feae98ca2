package inbound_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/stretchr/testify/require"

	"github.com/regpay/regpay/internal/inbound"
)

func TestTheLanguageIsTheFirstThatIsKnown(t *testing.T) {
	for header, want := range map[string]inbound.Language{
		"": inbound.Chinese, "en": inbound.English, "en-GB,zh;q=0.9": inbound.English, "zh-TW,en;q=0.9": inbound.Chinese,
		"fr,en;q=0.5": inbound.English, "fr": inbound.Chinese, "en;q=0.2,zh;q=0.8": inbound.Chinese,
		"\x00;;=": inbound.Chinese, "en," + strings.Repeat("x", 300): inbound.Chinese,
	} {
		require.Equal(t, want, inbound.LanguageOf(header), header)
	}
}

func TestARequestIsKnownByANumberAndARouteThatNobodySends(t *testing.T) {
	var id, route string
	r := chi.NewRouter()
	r.Use(inbound.WithRequestID)
	r.Get("/orders/{no}", func(_ http.ResponseWriter, r *http.Request) {
		id, route = inbound.RequestID(r.Context()), inbound.Route(r)
	})
	seen := map[string]bool{}
	for range 2 {
		request := httptest.NewRequest(http.MethodGet, "/orders/110101199003070000", nil)
		request.Header.Set(inbound.RequestIDHeader, "110101199003070000")
		w := httptest.NewRecorder()
		r.ServeHTTP(w, request)
		require.Len(t, id, 24)
		require.Equal(t, id, w.Header().Get(inbound.RequestIDHeader))
		require.NotContains(t, id, "110101")
		require.Equal(t, "/orders/{no}", route)
		seen[id] = true
	}
	require.Len(t, seen, 2)
	require.Empty(t, inbound.RequestID(t.Context()))
	require.Equal(t, "unknown", inbound.Route(httptest.NewRequest(http.MethodGet, "/", nil)))
}
