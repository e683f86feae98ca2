package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"go.uber.org/zap"
	"google.golang.org/grpc"

	"github.com/regpay/regpay/activities"
	"github.com/regpay/regpay/internal/api"
	"github.com/regpay/regpay/internal/codec"
	"github.com/regpay/regpay/internal/console"
	"github.com/regpay/regpay/internal/hospital"
	"github.com/regpay/regpay/internal/installation"
	"github.com/regpay/regpay/internal/payment"
	"github.com/regpay/regpay/internal/privacy"
	"github.com/regpay/regpay/internal/telemetry"
	"github.com/regpay/regpay/internal/verification"
	"github.com/regpay/regpay/internal/voucher"
	"github.com/regpay/regpay/internal/waiting"
	"github.com/regpay/regpay/workflows/host"
)

const codecPath = "/codec"

// serve runs the HTTP API, the channels' webhooks, the codec endpoint and the
// staff's console until ctx ends.
func serve(ctx context.Context, c serveCommand, log *zap.Logger) error {
	failed := make(chan error, 3)
	if c.PProf != "" {
		profiles, err := telemetry.ServeProfiles(c.PProf, func(err error) { failed <- err })
		if err != nil {
			return err
		}
		defer profiles.Close()
	}
	in, err := installation.Open(ctx, c.Config, c.Patience, log, grpc.WithChainUnaryInterceptor(host.NoticeStarts))
	if err != nil {
		return err
	}
	defer in.Close()
	runs := host.New(in.Temporal, activities.New(in.Store, in.Hospitals), func(err error) { failed <- err })
	if !in.Config.Workers.Separate {
		if err := runs.Start(); err != nil {
			return err
		}
		defer runs.Stop() // after the requests, which wait for it
	}
	handler, err := newHandler(in, runs)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", in.Config.HTTP.Listen)
	if err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second,
		WriteTimeout: 60 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
	}
	log.Info("serving", zap.String("address", listener.Addr().String()))
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	// Requests that are under way are answered; a patient may be waiting.
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := server.Shutdown(stopping); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("stop serving: %w", err)
	}
	return nil
}

// newHandler puts the API, the codec endpoint and the console behind one
// address.
func newHandler(in *installation.Installation, runs *host.Host) (http.Handler, error) {
	signer, err := voucher.NewSigner([]byte(in.Keys.Index("voucher", "signing key")))
	if err != nil {
		return nil, err
	}
	books := &engine{temporal: in.Temporal, books: in.Store, host: runs}
	registry := telemetry.NewRegistry()
	registry.MustRegister(in.Hospitals.Calls(), waiting.New(in.Store, time.Now, in.Log))
	apiHandler := api.New(api.Options{
		Engine: books, Books: in.Store, Hospitals: hospitals{in.Hospitals},
		Verifier: verification.New(in.Store, in.Hospitals, time.Now),
		Index:    in.Store.RequestIndex, Vouchers: signer,
		Registry: registry, Log: in.Log, Version: payment.Version,
	})
	var token []byte
	if in.Config.HTTP.CodecTokenFile != "" {
		if token, err = in.Config.Secret(in.Config.HTTP.CodecTokenFile); err != nil {
			return nil, err
		}
	}
	mux := http.NewServeMux()
	mux.Handle(codecPath+"/", codec.New(codec.Options{
		Codec: privacy.NewCodec(in.Keys), Token: token, Origin: in.Config.HTTP.UIOrigin, Path: codecPath,
		Secure: strings.HasPrefix(in.Config.HTTP.PublicURL, "https://"), Log: in.Log,
	}))
	if in.Config.Console.Enabled {
		pages, err := newConsole(in, books, signer)
		if err != nil {
			return nil, err
		}
		mux.Handle(console.Base, pages)
		mux.Handle(console.Base+"/", pages)
	}
	mux.Handle("/", apiHandler)
	return mux, nil
}

// hospitals shows the directory to the API, which knows it by an interface.
type hospitals struct{ *hospital.Directory }

func (h hospitals) Hospital(id string) (api.Hospital, bool) {
	found, ok := h.Directory.Hospital(id)
	if !ok {
		return nil, false
	}
	return found, true
}

var _ api.Hospital = (*hospital.Hospital)(nil)
