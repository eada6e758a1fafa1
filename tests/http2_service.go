// An HTTP/2 service for tests, independent of the library of the load generator; prints its port once it listens.
//
//	http2_service [-cert FILE -key FILE] [-http1] [-streams N]
//
// It uses ALPN over TLS, and prior knowledge otherwise.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

func main() {
	cert := flag.String("cert", "", "certificate, PEM")
	key := flag.String("key", "", "private key of the certificate, PEM")
	http1 := flag.Bool("http1", false, "support only HTTP/1.1")
	streams := flag.Int("streams", 100, "SETTINGS_MAX_CONCURRENT_STREAMS")
	flag.Parse()

	var protocols http.Protocols
	protocols.SetHTTP1(*http1)
	protocols.SetHTTP2(!*http1)
	protocols.SetUnencryptedHTTP2(!*http1)
	server := &http.Server{
		Handler:   routes(),
		Protocols: &protocols,
		// Small flow-control windows, so that bodies of the tests exceed them.
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams:          *streams,
			MaxReceiveBufferPerStream:     64 << 10,
			MaxReceiveBufferPerConnection: 128 << 10,
		},
		ConnContext: func(ctx context.Context, connection net.Conn) context.Context {
			return context.WithValue(ctx, connectionKey{}, connection)
		},
		ErrorLog: log.New(io.Discard, "", 0),
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	if *cert != "" {
		log.Fatal(server.ServeTLS(listener, *cert, *key))
	}
	log.Fatal(server.Serve(listener))
}

func routes() http.Handler {
	mux := http.NewServeMux()
	// A score, and properties of the request.
	mux.HandleFunc("/predict", func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("content-type", "application/json")
		fmt.Fprintf(w, `{"score": 0.5, "protocol": %q, "method": %q, "key": %q}`, r.Proto, r.Method, r.Header.Get("x-key"))
	})
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })
	// Responds once `n` requests wait at the same time, which requires a client that multiplexes.
	mux.HandleFunc("/together/{n}", together())
	mux.HandleFunc("/status/{code}", func(w http.ResponseWriter, r *http.Request) {
		code, _ := strconv.Atoi(r.PathValue("code"))
		w.Header().Set("location", "/predict")
		w.Header().Set("set-cookie", "secret")
		if code == 503 {
			w.Header().Set("retry-after", "7")
		}
		w.WriteHeader(code)
		io.WriteString(w, "oops")
	})
	// Sends GOAWAY after this response; the other streams of the connection are completed.
	mux.HandleFunc("/last", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("connection", "close")
		io.WriteString(w, `{"score": 0.5}`)
	})
	mux.HandleFunc("/reset", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	mux.HandleFunc("/reset-late", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "abc")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	// Closes the whole connection.
	mux.HandleFunc("/cut", func(w http.ResponseWriter, r *http.Request) {
		if connection, ok := r.Context().Value(connectionKey{}).(net.Conn); ok {
			connection.Close()
		}
	})
	mux.HandleFunc("/early", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "response before the body") })
	mux.HandleFunc("/silent", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/endless", func(w http.ResponseWriter, _ *http.Request) {
		piece := []byte(strings.Repeat("x", 1<<16))
		for {
			if _, err := w.Write(piece); err != nil {
				return
			}
		}
	})
	// A stream of `n` events.
	mux.HandleFunc("/events/{n}", func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.PathValue("n"))
		w.Header().Set("content-type", "text/event-stream")
		for i := range n {
			fmt.Fprintf(w, "data: %d\n\n", i)
			w.(http.Flusher).Flush()
		}
	})
	return mux
}

type connectionKey struct{}

func together() http.HandlerFunc {
	var waiting atomic.Int64
	return func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.ParseInt(r.PathValue("n"), 10, 64)
		waiting.Add(1)
		for waiting.Load() < n {
			select {
			case <-r.Context().Done():
				return
			case <-time.After(time.Millisecond):
			}
		}
		io.WriteString(w, "all here")
	}
}
