"use client";

import { useState } from "react";

type Props = { savedAt: number | null; empty: boolean; onRetry: () => Promise<unknown> };

/** Says that the API is away, what still works, and when it is tried again. */
export function OfflineBanner({ savedAt, empty, onRetry }: Props) {
  const [trying, setTrying] = useState(false);
  const retry = () => {
    setTrying(true);
    void onRetry().finally(() => setTrying(false));
  };
  const when = savedAt && new Date(savedAt).toLocaleString("en-US", { dateStyle: "medium", timeStyle: "short" });
  return (
    <div className="offline" data-testid="offline-banner">
      <svg viewBox="0 0 24 24" aria-hidden="true">
        <path d="M4 4l16 16M8.5 15.5a5 5 0 0 1 7 0M5 12a10 10 0 0 1 5-2.7M19 12a10 10 0 0 0-4-2.4M12 19h.01" />
      </svg>
      <p>
        <strong>The kitchen cannot be reached right now.</strong>{" "}
        {empty
          ? "We keep trying."
          : `You can keep choosing from the menu${when ? ` of ${when}` : ""}; we keep trying, and your order stays here.`}
      </p>
      <button type="button" className="quiet" disabled={trying} onClick={retry}>
        {trying ? "Trying…" : "Try now"}
      </button>
    </div>
  );
}
