// A steady load on a FeastFlow site on loopback: vegeta's open model, one JSON line per request on stdout.
//
// Each request has a moment at which it is due, whatever became of those before, and its latency counts from then.
// A request that fails is asked again as the demo's page does (demo/frontend/lib/api.mjs); a line tells both, the
// first attempt and the last. Ends after -most requests or -seconds, on SIGTERM, or when stdin is closed.
package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

const (
	attemptSeconds = 8
	maxWorkers     = 2000
	firstCode      = "Load-First-Code"
	firstNanos     = "Load-First-Nanos"
	attemptsMade   = "Load-Attempts"
)

// As long as the demo's page waits before a second and a third attempt.
var pauses = []time.Duration{400 * time.Millisecond, 1200 * time.Millisecond}

// What an edge or the API answers while asking again may help.
var away = map[int]bool{408: true, 425: true, 429: true, 500: true, 502: true, 503: true, 504: true}

// line is one request. Times are in seconds; those of `due` since 1970. Codes are 0 where nothing came back.
type line struct {
	Seq      uint64  `json:"seq"`
	Kind     string  `json:"kind"`
	Due      float64 `json:"due"`
	First    int     `json:"first"`
	Latency  float64 `json:"latency"`
	Code     int     `json:"code"`
	Total    float64 `json:"total"`
	Attempts int     `json:"attempts"`
	Error    string  `json:"error,omitempty"`
	Number   string  `json:"number,omitempty"`
	Note     string  `json:"note,omitempty"`
}

// pacer makes request n due n intervals after the beginning, and ends after `most`.
type pacer struct {
	interval time.Duration
	most     uint64
}

func (p pacer) due(n uint64) time.Duration { return time.Duration(n) * p.interval }

func (p pacer) Pace(elapsed time.Duration, hits uint64) (time.Duration, bool) {
	if hits >= p.most {
		return 0, true
	}
	return max(0, p.due(hits)-elapsed), false
}

func (p pacer) Rate(time.Duration) float64 { return float64(time.Second) / float64(p.interval) }

// retrying asks again while that may help, and leaves word of the first attempt in the answer's headers.
type retrying struct{ next http.RoundTripper }

func (r retrying) RoundTrip(request *http.Request) (*http.Response, error) {
	started := time.Now()
	code, nanos := 0, int64(0)
	for attempt := 1; ; attempt++ {
		answer, err := r.once(request)
		if attempt == 1 {
			nanos = time.Since(started).Nanoseconds()
			if err == nil {
				code = answer.StatusCode
			}
		}
		if (err == nil && !away[answer.StatusCode]) || attempt > len(pauses) {
			if err != nil {
				return nil, fmt.Errorf("first:%d:%d:%d: %w", code, nanos, attempt, err)
			}
			answer.Header.Set(firstCode, strconv.Itoa(code))
			answer.Header.Set(firstNanos, strconv.FormatInt(nanos, 10))
			answer.Header.Set(attemptsMade, strconv.Itoa(attempt))
			return answer, nil
		}
		time.Sleep(pauses[attempt-1])
	}
}

// once makes one attempt and reads the whole answer: one that breaks off in its body has failed too.
func (r retrying) once(request *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(request.Context(), attemptSeconds*time.Second)
	defer cancel()
	attempt := request.Clone(ctx)
	if request.GetBody != nil {
		body, err := request.GetBody()
		if err != nil {
			return nil, err
		}
		attempt.Body = body
	}
	answer, err := r.next.RoundTrip(attempt)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	answer.Body = io.NopCloser(bytes.NewReader(content))
	return answer, nil
}

// loopback refuses every site that is not on this machine, and returns the one address to connect to.
func loopback(site *url.URL) string {
	host, port := site.Hostname(), site.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[site.Scheme]
	}
	address := net.ParseIP(host)
	named := host == "localhost" || strings.HasSuffix(host, ".localhost")
	if port == "" || (!named && (address == nil || !address.IsLoopback())) {
		log.Fatalf("%s is not on loopback: load is only put on this machine", site)
	}
	return net.JoinHostPort("127.0.0.1", port)
}

func client(site *url.URL) *http.Client {
	address := loopback(site)
	dialer := &net.Dialer{Timeout: attemptSeconds * time.Second}
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: retrying{&http.Transport{
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return dialer.DialContext(ctx, network, address)
			},
			MaxIdleConnsPerHost: maxWorkers,
			// The local controller signs its certificate itself; who it is was settled by the address.
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
		}},
	}
}

// targets are six looks at the menu, two at the page and two orders in every ten requests.
func targets(site *url.URL, run string) vegeta.Targeter {
	var count atomic.Uint64
	base := strings.TrimSuffix(site.String(), "/")
	return func(target *vegeta.Target) error {
		n := count.Add(1) - 1
		target.Method, target.URL = http.MethodGet, base+"/api/menu"
		switch n % 10 {
		case 3, 8:
			target.URL = base + "/"
		case 0, 5:
			key := fmt.Sprintf("%s-%08d", run, n)
			target.Method, target.URL = http.MethodPost, base+"/api/orders"
			target.Header = http.Header{"Content-Type": {"application/json"}, "Idempotency-Key": {key}}
			target.Body = fmt.Appendf(nil,
				`{"items":[{"menu_item_id":"margherita","quantity":1}],"customer_name":"Drill","note":%q}`, key)
		}
		return nil
	}
}

func kind(result *vegeta.Result) string {
	switch {
	case result.Method == http.MethodPost:
		return "order"
	case strings.HasSuffix(result.URL, "/api/menu"):
		return "menu"
	}
	return "page"
}

func told(result *vegeta.Result, due time.Time) line {
	late := result.Timestamp.Sub(due)
	found := line{
		Seq:      result.Seq,
		Kind:     kind(result),
		Due:      float64(due.UnixNano()) / 1e9,
		Code:     int(result.Code),
		Total:    (late + result.Latency).Seconds(),
		Attempts: 1,
		Error:    result.Error,
	}
	nanos := result.Latency.Nanoseconds()
	if result.Headers.Get(attemptsMade) != "" {
		found.First, _ = strconv.Atoi(result.Headers.Get(firstCode))
		nanos, _ = strconv.ParseInt(result.Headers.Get(firstNanos), 10, 64)
		found.Attempts, _ = strconv.Atoi(result.Headers.Get(attemptsMade))
	} else if _, text, is := strings.Cut(result.Error, "first:"); is {
		found.Code = 0
		fmt.Sscanf(text, "%d:%d:%d:", &found.First, &nanos, &found.Attempts)
	}
	found.Latency = (late + time.Duration(nanos)).Seconds()
	if found.Kind == "order" && found.Code == http.StatusCreated {
		var order struct{ Number, Note string }
		if json.Unmarshal(result.Body, &order) == nil {
			found.Number, found.Note = order.Number, order.Note
		}
	}
	return found
}

func main() {
	log.SetFlags(0)
	address := flag.String("url", "", "the site, on loopback")
	rate := flag.Float64("rate", 50, "requests a second")
	most := flag.Uint64("most", 60_000, "requests at the most")
	seconds := flag.Float64("seconds", 900, "seconds at the most")
	run := flag.String("run", "", "what every order's key begins with, 8 letters at least")
	flag.Parse()
	site, err := url.Parse(*address)
	if err != nil || site.Host == "" || *rate <= 0 || *rate > 1000 || *seconds <= 0 || len(*run) < 8 {
		log.Fatal("usage: load -url http://shop.localhost:8080 -run drill-0123 [-rate 50] [-most 60000] [-seconds 900]")
	}
	pace := pacer{interval: time.Duration(float64(time.Second) / *rate), most: *most}
	attacker := vegeta.NewAttacker(vegeta.Client(client(site)), vegeta.MaxWorkers(maxWorkers))
	end := make(chan os.Signal, 1)
	signal.Notify(end, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-end
		attacker.Stop()
	}()
	go func() {
		// Whoever started this holds the other end: when it dies, the load ends.
		io.Copy(io.Discard, os.Stdin)
		attacker.Stop()
	}()
	out := json.NewEncoder(os.Stdout)
	began := time.Now()
	for result := range attacker.Attack(targets(site, *run), pace, time.Duration(*seconds*float64(time.Second)), "") {
		if err := out.Encode(told(result, began.Add(pace.due(result.Seq)))); err != nil {
			attacker.Stop()
		}
	}
}
