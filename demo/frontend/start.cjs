// The container's process: Next's standalone server, told where to listen and made to leave in time.
//
// Next itself stops accepting on SIGTERM and ends with 0 once every connection is closed. Two things are missing for a
// pod: kubelets set HOSTNAME to the pod's name, which Next would take for the address to listen on; and old Nodes leave
// idle keep-alive connections open, which would hold the process until they time out.

"use strict";

const http = require("node:http");

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
  server.prependListener("request", (_request, response) => {
    if (draining) response.setHeader("Connection", "close");
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
  const line = { timestamp: new Date().toISOString(), level, service: "feastflow-frontend", message, ...fields };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

require("./server.js");
