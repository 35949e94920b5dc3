"use client";

import { useCallback, useEffect, useRef, useState } from "react";

import { fetchMenu } from "../lib/api.mjs";
import type { Menu } from "../lib/menu.mjs";
import { loadMenu, saveMenu } from "../lib/menu.mjs";

const FIRST_RETRY_MS = 2000;
const LAST_RETRY_MS = 30_000;

/** The menu to show; `savedAt` (milliseconds since 1970) is set while it is the kept one, and `offline` while the API is away. */
export type MenuState = { menu: Menu | null; savedAt: number | null; offline: boolean };

/**
 * The menu: the kept one at once, then the API's. While the API is away it is asked again with growing pauses, and at once
 * when the browser is back online, the tab is shown again, or `refresh` is called.
 */
export function useMenu(): MenuState & { refresh: () => Promise<Menu | null> } {
  const [state, setState] = useState<MenuState>({ menu: null, savedAt: null, offline: false });
  const asking = useRef<Promise<Menu | null> | null>(null);

  const refresh = useCallback(() => {
    asking.current ??= fetchMenu()
      .then((menu) => {
        if (menu) {
          saveMenu(localStorage, menu, Date.now());
          setState({ menu, savedAt: null, offline: false });
        } else {
          setState((before) => ({ ...before, offline: true }));
        }
        return menu;
      })
      .finally(() => {
        asking.current = null;
      });
    return asking.current;
  }, []);

  useEffect(() => {
    const saved = loadMenu(localStorage);
    if (saved) setState({ menu: saved.menu, savedAt: saved.savedAt, offline: false });
    void refresh();
    const again = () => {
      if (document.visibilityState === "visible") void refresh();
    };
    window.addEventListener("online", again);
    document.addEventListener("visibilitychange", again);
    return () => {
      window.removeEventListener("online", again);
      document.removeEventListener("visibilitychange", again);
    };
  }, [refresh]);

  const { offline } = state;
  useEffect(() => {
    if (!offline) return;
    let pause = FIRST_RETRY_MS;
    let timer: ReturnType<typeof setTimeout>;
    const later = () => {
      // Up to a quarter more at random: many pages that lost the API together do not come back together.
      timer = setTimeout(() => void refresh().then(() => later()), pause * (1 + Math.random() / 4));
      pause = Math.min(pause * 1.6, LAST_RETRY_MS);
    };
    later();
    return () => clearTimeout(timer);
  }, [offline, refresh]);

  return { ...state, refresh };
}
