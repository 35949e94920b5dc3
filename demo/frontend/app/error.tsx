"use client";

import { reference } from "../lib/trace.mjs";

/** What a visitor sees where the page itself fails: a way on, and what finds the cause in logs and traces. */
export default function Failed({ reset }: { error: Error; reset: () => void }) {
  const found = reference();
  return (
    <main className="shop">
      <section className="menu" role="alert">
        <h1>Something went wrong.</h1>
        <p>Your order is kept in this browser.</p>
        {found && (
          <p>
            Reference: <code data-testid="reference">{found}</code>
          </p>
        )}
        <button type="button" className="button" onClick={reset}>
          Try again
        </button>
      </section>
    </main>
  );
}
