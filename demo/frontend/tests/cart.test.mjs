import assert from "node:assert/strict";
import { webcrypto } from "node:crypto";
import { test } from "node:test";

import * as cart from "../lib/cart.mjs";

globalThis.crypto ??= webcrypto; // browsers have it, and Node from 19 on

let count = 0;
const key = () => String(++count).padStart(32, "0");
const menu = { items: [{ id: "soup", price_cents: 650 }, { id: "pizza", price_cents: 1290 }] };
const store = (text) => ({ getItem: () => text, setItem: () => {}, removeItem: () => {} });

function filled() {
  return cart.setQuantity(cart.setQuantity(cart.emptyCart(key), "pizza", 2, key), "soup", 3, key);
}

test("sums are whole cents, where fractions of dollars would drift", () => {
  assert.equal(cart.totalCents(filled(), menu), 2 * 1290 + 3 * 650);
  const tenth = { items: [{ id: "a", price_cents: 10 }, { id: "b", price_cents: 20 }] };
  const both = cart.setQuantity(cart.setQuantity(cart.emptyCart(key), "a", 1, key), "b", 1, key);
  assert.equal(cart.totalCents(both, tenth), 30);
});

test("every change of what would be ordered makes a new key", () => {
  const one = filled();
  const changed = [
    cart.setQuantity(one, "soup", 4, key),
    cart.setQuantity(one, "soup", 0, key),
    cart.setDetails(one, { name: "Ada" }, key),
    cart.keepAvailable(one, { items: [{ id: "soup" }] }, key),
  ];
  assert.equal(new Set([one, ...changed].map((each) => each.key)).size, 5);
});

test("a cart that stays the same keeps its key", () => {
  const one = filled();
  assert.equal(cart.keepAvailable(one, menu, key), one);
  assert.equal(cart.setQuantity(one, "unknown", 0, key), one);
  assert.equal(cart.loadCart(store(JSON.stringify(one)), key).key, one.key);
});

test("quantities stay within what the API takes", () => {
  assert.equal(cart.quantityOf(cart.setQuantity(filled(), "soup", 99, key), "soup"), cart.MAX_QUANTITY);
  assert.equal(cart.countDishes(cart.setQuantity(filled(), "soup", -1, key)), 2);
  let full = cart.emptyCart(key);
  for (let index = 0; index < 40; index++) full = cart.setQuantity(full, `dish-${index}`, 1, key);
  assert.equal(full.lines.length, cart.MAX_LINES);
});

test("the request carries the total that the customer saw", () => {
  const body = cart.orderBody(cart.setDetails(filled(), { name: " Ada ", note: "" }, key), menu);
  assert.deepEqual(body, {
    items: [{ menu_item_id: "pizza", quantity: 2 }, { menu_item_id: "soup", quantity: 3 }],
    customer_name: "Ada",
    note: "",
    expected_total_cents: 4530,
  });
});

test("a damaged cart is replaced by an empty one", () => {
  const good = filled();
  const damaged = [
    "",
    "{",
    "null",
    JSON.stringify({ ...good, key: "guess" }),
    JSON.stringify({ ...good, lines: [{ id: "soup", quantity: 0 }] }),
    JSON.stringify({ ...good, lines: [{ id: "soup", quantity: "2" }] }),
    JSON.stringify({ ...good, lines: [...good.lines, ...good.lines] }),
  ];
  for (const text of damaged) assert.deepEqual(cart.loadCart(store(text), key).lines, [], text);
});

test("keys are 32 random hexadecimal digits", () => {
  assert.match(cart.newKey((bytes) => bytes.fill(10)), /^(0a){16}$/);
  assert.notEqual(cart.newKey(), cart.newKey());
});
