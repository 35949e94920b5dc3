import assert from "node:assert/strict";
import { test } from "node:test";

import { MENU_KEY, categories, formatPrice, loadMenu, parseMenu, saveMenu } from "../lib/menu.mjs";

const dish = { id: "soup", name: "Soup", description: "Hot.", category: "Starters", price_cents: 650, art: "soup" };
const menu = { currency: "USD", items: [dish] };

/** A Storage that remembers, and refuses to write where told so. */
function storage(content = {}, full = false) {
  const kept = new Map(Object.entries(content));
  return {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => {
      if (full) throw new Error("QuotaExceededError");
      kept.set(key, value);
    },
    removeItem: (key) => kept.delete(key),
  };
}

test("a kept menu comes back with the time it was kept", () => {
  const store = storage();
  saveMenu(store, menu, 1234);
  assert.deepEqual(loadMenu(store), { menu, savedAt: 1234 });
});

test("a browser that refuses to keep anything is no error", () => {
  saveMenu(storage({}, true), menu, 1);
  const forbidden = { ...storage(), getItem: () => { throw new Error("SecurityError"); } };
  assert.equal(loadMenu(forbidden), null);
});

test("a damaged cache is as good as none", () => {
  const damaged = ["", "{", "null", "[]", '{"menu": {}}', JSON.stringify({ menu }), JSON.stringify({ savedAt: 1 })];
  for (const text of damaged) assert.equal(loadMenu(storage({ [MENU_KEY]: text })), null, text);
});

test("what is not a menu is not taken for one", () => {
  const bad = [
    null,
    [],
    "menu",
    { items: [] },
    { currency: "usd", items: [] },
    { currency: "USD", items: {} },
    { currency: "USD", items: [{ ...dish, id: "" }] },
    { currency: "USD", items: [{ ...dish, price_cents: 6.5 }] },
    { currency: "USD", items: [{ ...dish, price_cents: "650" }] },
    { currency: "USD", items: [{ ...dish, name: undefined }] },
  ];
  for (const data of bad) assert.equal(parseMenu(data), null, JSON.stringify(data));
  assert.deepEqual(parseMenu(menu), menu);
});

test("categories come in the menu's own order, each once", () => {
  const items = [dish, { ...dish, id: "pie", category: "Mains" }, { ...dish, id: "rolls" }];
  assert.deepEqual(categories({ currency: "USD", items }), ["Starters", "Mains"]);
});

test("prices are cents, shown in the menu's currency", () => {
  assert.equal(formatPrice(123456, "USD"), "$1,234.56");
});
