import assert from "node:assert/strict";
import { test } from "node:test";

import { fetchMenu } from "../lib/api.mjs";
import { reference, traced } from "../lib/trace.mjs";

const trace = "0af7651916cd43dd8448eb211c80319c";
const caller = `00-${trace}-b7ad6b7169203331-01`;
const timing = [{ name: "traceparent", description: caller }];

test("what the page asks for goes on with the trace that the page came in", () => {
  assert.deepEqual(traced(timing), { traceparent: caller });
  assert.equal(reference(timing), trace);
});

test("without a trace, or with something else in its place, nothing is sent and nothing is shown", () => {
  for (const none of [[], [{ name: "db", description: caller }], [{ name: "traceparent", description: `${caller}\r\nX: y` }]]) {
    assert.deepEqual(traced(none), {});
    assert.equal(reference(none), "");
  }
});

test("a request keeps its own headers", async () => {
  let sent;
  await fetchMenu(async (_path, init) => {
    sent = init.headers;
    return new Response("{}", { status: 503 });
  });
  assert.deepEqual(sent, {});
});
