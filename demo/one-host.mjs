// Page and API under one address, for running both by hand: node one-host.mjs [port], then open http://127.0.0.1:8080.
// In a cluster the edge does this. /api goes to port 5000, everything else to port 3000, all on loopback.

import http from "node:http";

const port = Number(process.argv[2] ?? 8080);
const api = Number(process.env.API_PORT ?? 5000);
const page = Number(process.env.PAGE_PORT ?? 3000);

const server = http.createServer((request, response) => {
  const target = /^\/api(\/|\?|$)/.test(request.url ?? "") ? api : page;
  const { method, url: path, headers } = request;
  const onward = http.request({ host: "127.0.0.1", port: target, method, path, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  onward.on("error", () => {
    if (response.headersSent) return response.destroy();
    response.writeHead(502, { "Content-Type": "text/plain" });
    response.end(`nothing answers on port ${target}\n`);
  });
  response.on("close", () => onward.destroy());
  request.pipe(onward);
});

server.on("error", (error) => {
  console.error(`cannot listen on port ${port}: ${error.message}; name another one: node one-host.mjs PORT`);
  process.exitCode = 2;
});
server.listen(port, "127.0.0.1", () => console.log(`http://127.0.0.1:${port}`));
