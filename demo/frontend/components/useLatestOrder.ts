"use client";

import { useCallback, useEffect, useState } from "react";

import type { Order, Placed } from "../lib/api.mjs";
import { fetchOrder } from "../lib/api.mjs";
import { isObject } from "../lib/menu.mjs";

const LATEST_KEY = "feastflow.latest.1";

function load(): Placed | null {
  try {
    const saved: unknown = JSON.parse(localStorage.getItem(LATEST_KEY) ?? "null");
    if (!isObject(saved) || typeof saved.number !== "string" || typeof saved.receipt !== "string") return null;
    return { number: saved.number, receipt: saved.receipt };
  } catch {
    return null;
  }
}

function keep(placed: Placed | null): void {
  try {
    if (placed) localStorage.setItem(LATEST_KEY, JSON.stringify(placed));
    else localStorage.removeItem(LATEST_KEY);
  } catch {
    // Storage is full or forbidden: the order is then shown until the page is left.
  }
}

/** The order placed last from this browser; after a reload it is read back with its receipt. */
export function useLatestOrder() {
  const [latest, setLatest] = useState<{ order: Order; fresh: boolean } | null>(null);

  useEffect(() => {
    const placed = load();
    if (!placed) return;
    void fetchOrder(placed).then((order) => {
      if (order === "gone") keep(null);
      else if (order) setLatest((before) => before ?? { order, fresh: false });
    });
  }, []);

  const show = useCallback((order: Order, receipt: string) => {
    keep({ number: order.number, receipt });
    setLatest({ order, fresh: true });
  }, []);

  const hide = useCallback(() => {
    keep(null);
    setLatest(null);
  }, []);

  return { latest, show, hide };
}
