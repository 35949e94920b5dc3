// The container's process: Next's standalone server, told where to listen and made to leave in time.
//
// Next itself stops accepting on SIGTERM and ends with 0 once every connection is closed. Two things are missing for a
// pod: kubelets set HOSTNAME to the pod's name, which Next would take for the address to listen on; and old Nodes leave
// idle keep-alive connections open, which would hold the process until they time out.

"use strict";

const http = require("node:http");

// https://www.w3.org/TR/trace-context/#traceparent-header
const TRACEPARENT = /^00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/;

const drainSeconds = whole("DRAIN_SECONDS", 20, 1, 600);
whole("PORT", 3000, 1, 65535);
whole("KEEP_ALIVE_TIMEOUT", 75000, 1000, 3600000); // milliseconds; read by Next
process.env.HOSTNAME = process.env.BIND_ADDRESS || "0.0.0.0";

/** @type {import("node:http").Server[]} */
const servers = [];
let draining = false;

const createServer = http.createServer;
http.createServer = function createDrainingServer(...args) {
  const server = createServer.apply(this, args);
  server.prependListener("request", (request, response) => {
    if (draining) response.setHeader("Connection", "close");
    observe(request, response);
  });
  servers.push(server);
  return server;
};

for (const signal of ["SIGTERM", "SIGINT"]) {
  process.on(signal, () => {
    if (draining) return;
    draining = true;
    say("info", "draining", { limit_seconds: drainSeconds });
    if (!servers.length) process.exit(0);
    setInterval(() => servers.forEach((server) => server.closeIdleConnections()), 100).unref();
    setTimeout(() => {
      say("warning", "still not drained: ending all the same");
      process.exit(0);
    }, drainSeconds * 1000).unref();
  });
}

// A page tells the browser which trace it came in, and is a line of the log; what it is made of, and probes, are not.
function observe(request, response) {
  const path = (request.url || "").split("?")[0];
  if (path.startsWith("/_next/") || (request.headers["user-agent"] || "").startsWith("kube-probe/")) return;
  const caller = TRACEPARENT.exec(request.headers.traceparent || "");
  if (caller) response.setHeader("Server-Timing", `traceparent;desc="${caller[0]}"`);
  const began = performance.now();
  response.once("close", () => {
    say("info", "request", {
      method: request.method,
      // There is one page; what else is asked for may be anything that somebody typed.
      route: path === "/" ? "/" : "other",
      status: response.headersSent ? response.statusCode : 499,
      duration_ms: Math.round((performance.now() - began) * 10) / 10,
      ...(caller && { trace_id: caller[1] }),
    });
  });
}

function whole(name, fallback, low, high) {
  const raw = process.env[name] || String(fallback);
  if (!/^[0-9]{1,9}$/.test(raw) || Number(raw) < low || Number(raw) > high) {
    say("error", `${name}: found '${raw}'; it is a whole number from ${low} to ${high}; set such a number`);
    process.exit(2);
  }
  process.env[name] = raw;
  return Number(raw);
}

function say(level, message, fields = {}) {
  const version = process.env.APP_VERSION || "dev";
  const line = { timestamp: new Date().toISOString(), level, service: "feastflow-frontend", version, message, ...fields };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

require("./server.js");
