import type { Metadata, Viewport } from "next";
import type { ReactNode } from "react";

import "./base.css";
import "./menu.css";
import "./order.css";

export const metadata: Metadata = {
  title: "FeastFlow: good food, cooked to order",
  description: "Choose from today's menu and order in a minute.",
};

export const viewport: Viewport = { themeColor: "#fbf6ee" };

export default function Layout({ children }: { children: ReactNode }) {
  return (
    <html lang="en">
      <body>{children}</body>
    </html>
  );
}
