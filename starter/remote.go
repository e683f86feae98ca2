package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/regpay/regpay/internal/api/client"
	"github.com/regpay/regpay/internal/api/wire"
	"github.com/regpay/regpay/internal/payment"
)

// remoteFlags are of the commands that speak to the HTTP API.
type remoteFlags struct {
	Server   string `help:"Address of the API." default:"http://127.0.0.1:8080" env:"REGPAY_SERVER"`
	APIKey   string `help:"API key; better given by the environment, since other users see a command line." env:"REGPAY_API_KEY" required:""`
	Language string `help:"Language of error messages: en or zh-CN." default:"en" enum:"en,zh-CN" env:"REGPAY_LANGUAGE"`
}

func (f remoteFlags) client() (*client.Client, error) {
	c, err := client.New(client.Config{BaseURL: f.Server, APIKey: f.APIKey, Language: f.Language})
	if err != nil {
		return nil, coded{exitUsage, err}
	}
	return c, nil
}

// terminal is where a command writes; tests take another.
type terminal struct {
	out  io.Writer
	in   io.Reader
	json bool
}

func (c *command) terminal() terminal { return terminal{out: os.Stdout, in: os.Stdin, json: c.JSON} }

// show prints a value: as JSON when asked to, else by the function.
func (t terminal) show(v any, human func(io.Writer)) error {
	if !t.json {
		human(t.out)
		return nil
	}
	e := json.NewEncoder(t.out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("print the answer: %w", err)
	}
	return nil
}

// coded is an error with the exit code that a script goes by.
type coded struct {
	code int
	err  error
}

func (e coded) Error() string { return e.err.Error() }
func (e coded) Unwrap() error { return e.err }
func (e coded) ExitCode() int { return e.code }

// told gives an error of the API its exit code and its words: the detail,
// then everything that is wrong with the request.
func told(err error) error {
	var gone *client.Unreachable
	var p *wire.Problem
	switch {
	case err == nil:
		return nil
	case errors.As(err, &gone):
		return coded{exitUnavailable, err}
	case errors.Is(err, context.Canceled):
		return err
	case !errors.As(err, &p):
		return err
	}
	text := fmt.Sprintf("%s (%s)", p.Detail, p.Code)
	for _, e := range p.Errors {
		text += "\n  " + e.Field + ": " + e.Detail
	}
	if p.RequestID != "" && p.Status >= 500 && p.Code != payment.CodeMaintenance {
		text += "\n  request " + p.RequestID
	}
	code := exitFailed
	switch p.Status {
	case 404:
		code = exitNotFound
	case 409:
		code = exitConflict
	case 503:
		code = exitUnavailable
	}
	return coded{code, errors.New(text)}
}

// everyPage reads a list to its end; read returns a page and the cursor of the
// next one, empty after the last.
func everyPage[T any](read func(cursor string) ([]T, string, error)) ([]T, error) {
	all := []T{}
	for cursor := ""; ; {
		items, next, err := read(cursor)
		if err != nil {
			return nil, err
		}
		all = append(all, items...)
		if cursor = next; cursor == "" {
			return all, nil
		}
	}
}
