import assert from "node:assert/strict";
import { test } from "node:test";

import { fetchMenu, fetchOrder, placeOrder } from "../lib/api.mjs";

const order = { number: "FF-1001", status: "received", customer_name: "Ada", total_cents: 650, items: [] };

/** A fetch that gives the answers in turn, and remembers what it was asked. */
function answers(...list) {
  const asked = [];
  const fetcher = async (path, init) => {
    asked.push({ path, init });
    const next = list.shift();
    if (next instanceof Error) throw next;
    return new Response(typeof next.body === "string" ? next.body : JSON.stringify(next.body), { status: next.status });
  };
  return { asked, fetcher };
}

const noWait = async () => {};

test("an order that fails on the way is repeated under the same key", async () => {
  const away = { status: 503, body: {} };
  const { asked, fetcher } = answers(new Error("offline"), away, { status: 201, body: { ...order, receipt: "r" } });
  const outcome = await placeOrder({ items: [] }, "key-1", fetcher, noWait);
  assert.deepEqual(outcome, { kind: "placed", order: { ...order, receipt: "r" }, receipt: "r" });
  assert.deepEqual(asked.map((each) => each.init.headers["Idempotency-Key"]), ["key-1", "key-1", "key-1"]);
});

test("after three attempts the customer is told", async () => {
  const { asked, fetcher } = answers(new Error("1"), new Error("2"), { status: 502, body: "<html>bad gateway</html>" });
  assert.deepEqual(await placeOrder({}, "key", fetcher, noWait), { kind: "unreachable" });
  assert.equal(asked.length, 3);
});

test("a refusal is not repeated", async () => {
  const refused = { status: 422, body: { error: { code: "invalid_order", message: "no dishes" } } };
  const { asked, fetcher } = answers(refused);
  assert.deepEqual(await placeOrder({}, "key", fetcher, noWait), { kind: "refused", message: "no dishes" });
  assert.equal(asked.length, 1);
});

test("a menu that changed meanwhile is told apart from a refusal", async () => {
  for (const code of ["price_changed", "not_on_menu"]) {
    const { fetcher } = answers({ status: 409, body: { error: { code } } });
    assert.deepEqual(await placeOrder({}, "key", fetcher, noWait), { kind: "changed" });
  }
});

test("a page that a proxy shows with status 200 is not a menu", async () => {
  assert.equal(await fetchMenu(answers({ status: 200, body: "<html></html>" }).fetcher), null);
  assert.equal(await fetchMenu(answers({ status: 503, body: {} }).fetcher), null);
});

test("an earlier order is read with its receipt, and forgotten only when the API says so", async () => {
  const placed = { number: "FF-1001", receipt: "r" };
  const good = answers({ status: 200, body: order });
  assert.deepEqual(await fetchOrder(placed, good.fetcher), order);
  assert.equal(good.asked[0].init.headers.Authorization, "Bearer r");
  assert.equal(await fetchOrder(placed, answers({ status: 401, body: {} }).fetcher), "gone");
  assert.equal(await fetchOrder(placed, answers({ status: 503, body: {} }).fetcher), null);
  assert.equal(await fetchOrder(placed, answers(new Error("offline")).fetcher), null);
});
