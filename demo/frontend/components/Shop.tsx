"use client";

import type { ReactNode } from "react";
import { useEffect, useState } from "react";

import { placeOrder } from "../lib/api.mjs";
import type { Cart } from "../lib/cart.mjs";
import {
  countDishes,
  emptyCart,
  keepAvailable,
  loadCart,
  orderBody,
  quantityOf,
  saveCart,
  setDetails,
  setQuantity,
  totalCents,
} from "../lib/cart.mjs";
import { formatPrice } from "../lib/menu.mjs";
import { CartPanel } from "./CartPanel";
import { Confirmation } from "./Confirmation";
import { MenuSection, MenuSkeleton } from "./MenuSection";
import { OfflineBanner } from "./OfflineBanner";
import { useLatestOrder } from "./useLatestOrder";
import { useMenu } from "./useMenu";

const UNREACHABLE =
  "We could not reach the kitchen. Your order is kept here: try again in a moment. However often you try, it is placed once.";
const CHANGED = "The menu changed while you were choosing. Have a look at your order and its total, then place it again.";
const NOTHING_LEFT = "The dishes you chose are no longer on the menu.";

/** Move the focus, whose element was removed, to where the customer goes on, not to the top of the page. */
const focusOn = (id: string) => document.getElementById(id)?.focus();

/** Menu, cart and order: everything on the page that changes. `children` stand above them, below the offline banner. */
export function Shop({ children }: { children: ReactNode }) {
  const { menu, savedAt, offline, refresh } = useMenu();
  const { latest, show, hide } = useLatestOrder();
  // Keys and what was kept are the browser's: the server renders a cart without either.
  const [cart, setCart] = useState<Cart>(() => emptyCart(() => ""));
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const [said, setSaid] = useState("");

  useEffect(() => setCart(loadCart(localStorage)), []);

  const change = (next: Cart) => {
    setCart(next);
    saveCart(localStorage, next);
    setProblem(null);
  };

  const place = async () => {
    if (!menu || busy) return;
    setBusy(true);
    setProblem(null);
    const outcome = await placeOrder(orderBody(cart, menu), cart.key);
    setBusy(false);
    if (outcome.kind === "placed") {
      change({ ...emptyCart(), name: cart.name });
      show(outcome.order, outcome.receipt);
      setSaid(`Order ${outcome.order.number} is placed.`);
      if (offline) void refresh();
    } else if (outcome.kind === "unreachable") {
      setProblem(UNREACHABLE);
      void refresh();
    } else if (outcome.kind === "changed") {
      const fresh = await refresh();
      const kept = fresh ? keepAvailable(cart, fresh) : cart;
      change(kept);
      setProblem(countDishes(kept) > 0 ? CHANGED : NOTHING_LEFT);
    } else {
      setProblem(`The kitchen could not take this order: ${outcome.message}.`);
    }
  };

  const count = countDishes(cart);
  return (
    <>
      <div aria-live="polite">{offline && <OfflineBanner savedAt={savedAt} empty={!menu} onRetry={refresh} />}</div>
      {children}
      <div className="shop">
        <section className="menu" id="menu" aria-labelledby="menu-title" aria-busy={!menu && !offline}>
          <h2 id="menu-title" tabIndex={-1}>Today&rsquo;s menu</h2>
          {menu && (
            <MenuSection
              menu={menu}
              cart={cart}
              onAdd={(dish) => {
                change(setQuantity(cart, dish.id, quantityOf(cart, dish.id) + 1));
                setSaid(`${dish.name} added.`);
              }}
            />
          )}
          {!menu && !offline && <MenuSkeleton />}
          {!menu && offline && <p className="cart-empty">The menu shows up here as soon as the kitchen answers.</p>}
        </section>
        <aside className="side">
          {latest && (
            <Confirmation
              order={latest.order}
              currency={menu?.currency ?? "USD"}
              fresh={latest.fresh}
              onClose={() => {
                hide();
                focusOn("menu-title");
              }}
            />
          )}
          <CartPanel
            menu={menu}
            cart={cart}
            busy={busy}
            problem={problem}
            onQuantity={(id, quantity) => {
              change(setQuantity(cart, id, quantity));
              if (quantity === 0) focusOn("cart-title");
            }}
            onDetails={(details) => change(setDetails(cart, details))}
            onPlace={() => void place()}
          />
        </aside>
      </div>
      <p className="unseen" role="status">
        {said}
      </p>
      {menu && count > 0 && (
        <a className="cart-bar" href="#cart">
          <span>
            {count} {count === 1 ? "dish" : "dishes"}
          </span>
          <span>Your order</span>
          <strong>{formatPrice(totalCents(cart, menu), menu.currency)}</strong>
        </a>
      )}
    </>
  );
}
