"use client";

import { useEffect, useRef } from "react";

import type { Order } from "../lib/api.mjs";
import { formatPrice } from "../lib/menu.mjs";

type Props = { order: Order; currency: string; fresh: boolean; onClose: () => void };

/** The order as the API stored it. One just placed takes the focus, so that it is read out and scrolled to. */
export function Confirmation({ order, currency, fresh, onClose }: Props) {
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (fresh) title.current?.focus();
  }, [fresh, order.number]);
  return (
    <section className="confirmation" aria-labelledby="confirmation-title" data-testid="order-confirmation">
      <svg className="tick" viewBox="0 0 48 48" aria-hidden="true">
        <circle cx="24" cy="24" r="24" fill="#2f6a4d" />
        <path d="m14 25 7 7 14-15" stroke="#fff" strokeWidth="4" fill="none" strokeLinecap="round" />
      </svg>
      <h2 id="confirmation-title" ref={title} tabIndex={-1}>
        {fresh ? `Thank you, ${order.customer_name}. We are cooking.` : "Your latest order"}
      </h2>
      <p>
        Order <strong data-testid="order-number">{order.number}</strong>
        <span className="pill">{order.status}</span>
      </p>
      <ul>
        {order.items.map((item) => (
          <li key={item.name}>
            <span>
              {item.quantity} × {item.name}
            </span>
            <span>{formatPrice(item.quantity * item.unit_price_cents, currency)}</span>
          </li>
        ))}
        <li className="sum">
          <span>Total</span>
          <span>{formatPrice(order.total_cents, currency)}</span>
        </li>
      </ul>
      <button type="button" className="quiet" onClick={onClose}>
        {fresh ? "Order something else" : "Hide"}
      </button>
    </section>
  );
}
