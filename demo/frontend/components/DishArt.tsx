import type { ReactNode } from "react";

type Drawing = { tint: string; shapes: ReactNode };

const plate = (
  <>
    <ellipse cx="60" cy="78" rx="46" ry="13" fill="#00000012" />
    <ellipse cx="60" cy="72" rx="46" ry="16" fill="#fff" />
    <ellipse cx="60" cy="71" rx="34" ry="11" fill="#f3ece0" />
  </>
);

function bowl(colour: string, filling: string, top: ReactNode): ReactNode {
  return (
    <>
      <ellipse cx="60" cy="97" rx="36" ry="6" fill="#00000014" />
      <path d="M18 56h84c0 24-16 40-34 40H52C34 96 18 80 18 56Z" fill={colour} />
      <ellipse cx="60" cy="56" rx="42" ry="13" fill="#fff8ee" />
      <ellipse cx="60" cy="56" rx="36" ry="9.5" fill={filling} />
      {top}
    </>
  );
}

/** One drawing for each `art` of the menu; dishes added later get the plate. */
const drawings: Record<string, Drawing> = {
  soup: {
    tint: "#fbe0d3",
    shapes: bowl(
      "#c23a25",
      "#e7643f",
      <>
        <path d="M38 56c8-5 14 4 22 0s14 4 22 0" stroke="#f9c9a8" strokeWidth="3" fill="none" strokeLinecap="round" />
        <path d="M52 50c6-9 16-9 20-4-5 7-14 8-20 4Z" fill="#3c7d54" />
      </>,
    ),
  },
  rolls: {
    tint: "#f6e6bf",
    shapes: (
      <>
        {plate}
        {[0, 1, 2].map((index) => (
          <g key={index} transform={`translate(${index * 17} ${index * -3})`}>
            <rect x="22" y="48" width="44" height="17" rx="8.5" fill="#d99a3f" transform="rotate(-28 44 56)" />
            <path d="m32 64 5-9M42 59l5-9M52 54l5-9" stroke="#b97a24" strokeWidth="2" strokeLinecap="round" />
          </g>
        ))}
        <circle cx="92" cy="72" r="9" fill="#d8432b" />
      </>
    ),
  },
  pizza: {
    tint: "#fde3c4",
    shapes: (
      <>
        <ellipse cx="60" cy="100" rx="40" ry="6" fill="#00000012" />
        <circle cx="60" cy="58" r="42" fill="#d99443" />
        <circle cx="60" cy="58" r="35" fill="#d8432b" />
        {[[46, 42], [72, 48], [52, 66], [76, 72], [60, 84], [36, 60]].map(([x, y]) => (
          <circle key={`${x}`} cx={x} cy={y} r="8" fill="#fff3dc" />
        ))}
        <path d="M58 44c8-4 14 0 14 6-7 3-13 0-14-6ZM60 70c-8-2-13 2-12 8 7 2 12-2 12-8Z" fill="#2f6a4d" />
      </>
    ),
  },
  burger: {
    tint: "#fbe3b5",
    shapes: (
      <>
        <ellipse cx="60" cy="99" rx="38" ry="6" fill="#00000014" />
        <path d="M22 52c0-20 16-32 38-32s38 12 38 32Z" fill="#dd9a45" />
        <path d="M42 34l5 2M58 29h6M74 36l-5 3" stroke="#fff1d0" strokeWidth="3" strokeLinecap="round" />
        <path d="M18 54c7-5 12 5 21 0s12 5 21 0 12 5 21 0 14 5 21 0v8H18Z" fill="#5a9a55" />
        <path d="M22 62h76v5L84 76l-9-9H22Z" fill="#f6c243" />
        <rect x="20" y="67" width="80" height="12" rx="6" fill="#74402a" />
        <path d="M24 81h72c0 10-6 15-14 15H38c-8 0-14-5-14-15Z" fill="#dd9a45" />
      </>
    ),
  },
  bowl: {
    tint: "#d8ece6",
    shapes: bowl(
      "#2d6f73",
      "#fdfaf2",
      <>
        <path d="M30 54c6-10 20-10 26-3-6 7-18 9-26 3Z" fill="#f08a63" />
        <path d="M36 51l8 5M43 48l7 5" stroke="#fbc7ad" strokeWidth="2" />
        <path d="M60 50c8-7 20-5 26 3-8 5-20 4-26-3Z" fill="#8bb35a" />
        <circle cx="58" cy="60" r="3.5" fill="#4f8a4a" />
        <circle cx="67" cy="61" r="3.5" fill="#4f8a4a" />
        <circle cx="49" cy="61" r="3.5" fill="#4f8a4a" />
      </>,
    ),
  },
  ramen: {
    tint: "#f4dfc9",
    shapes: bowl(
      "#3b3a4a",
      "#d99a4e",
      <>
        <path d="M30 56c8-6 14 5 22 0s14 5 22 0 10 2 14 1" stroke="#fbe6b4" strokeWidth="4" fill="none" />
        <ellipse cx="46" cy="51" rx="11" ry="7" fill="#fffdf6" />
        <circle cx="46" cy="51" r="4" fill="#f2a12c" />
        <path d="m66 48 30-34M72 50l32-30" stroke="#8a5a34" strokeWidth="4" strokeLinecap="round" />
        <circle cx="66" cy="59" r="3" fill="#3c7d54" />
        <circle cx="75" cy="56" r="3" fill="#3c7d54" />
      </>,
    ),
  },
  curry: {
    tint: "#e2eed0",
    shapes: bowl(
      "#7a4a2a",
      "#9dba55",
      <>
        <path d="M60 56c0-10 14-16 26-6 4 4-4 12-26 6Z" fill="#fffdf4" />
        <rect x="34" y="50" width="14" height="7" rx="3.5" fill="#6a4373" transform="rotate(-14 41 53)" />
        <rect x="44" y="58" width="14" height="6" rx="3" fill="#4f8a4a" transform="rotate(10 50 61)" />
        <path d="M54 46c3-9 12-10 16-6-3 6-9 9-16 6Z" fill="#2f6a4d" />
      </>,
    ),
  },
  salad: {
    tint: "#ddeed3",
    shapes: bowl(
      "#fff8ee",
      "#7fb069",
      <>
        <path d="M26 54c2-18 20-24 28-10 6-16 26-12 26 2 10-4 16 4 14 9-10 9-58 9-68-1Z" fill="#4f9a54" />
        <path d="M36 52c4-6 10-8 16-6M64 50c4-6 10-7 15-4" stroke="#a5d08f" strokeWidth="2.5" fill="none" />
        <circle cx="54" cy="55" r="7" fill="#fbe9ec" stroke="#c8375a" strokeWidth="2.5" />
        <circle cx="76" cy="57" r="5" fill="#fbe9ec" stroke="#c8375a" strokeWidth="2.5" />
        <circle cx="66" cy="60" r="3" fill="#d3e29a" />
      </>,
    ),
  },
  fries: {
    tint: "#fdecb7",
    shapes: (
      <>
        <ellipse cx="60" cy="102" rx="30" ry="5" fill="#00000014" />
        {[[36, -12, 30], [45, -6, 20], [54, -2, 26], [63, 2, 16], [72, 6, 24], [80, 12, 30]].map(([x, turn, y]) => (
          <rect
            key={`${x}`}
            x={x}
            y={y}
            width="8"
            height="50"
            rx="2"
            fill={Number(x) % 2 ? "#f2b632" : "#f7c64f"}
            transform={`rotate(${turn} ${x} 80)`}
          />
        ))}
        <path d="M30 54c18 9 42 9 60 0l-7 46H37Z" fill="#d8432b" />
        <path d="M52 60h16l-2 40H54Z" fill="#fff3e0" opacity=".9" />
      </>
    ),
  },
  tart: {
    tint: "#fdf0b8",
    shapes: (
      <>
        {plate}
        <path d="M24 62 90 44c8 6 10 14 8 22L28 76c-4-4-5-9-4-14Z" fill="#d69a4a" />
        <path d="M26 58 88 40l8 10-68 18Z" fill="#f8d44c" />
        <path d="M40 57l10-3M62 50l9-2M52 59l8-2" stroke="#c98a2b" strokeWidth="3" strokeLinecap="round" />
        <path d="M76 40c0-9 10-12 15-7-2 6-8 9-15 7Z" fill="#3c7d54" />
      </>
    ),
  },
  mousse: {
    tint: "#ecdccf",
    shapes: (
      <>
        <ellipse cx="60" cy="103" rx="26" ry="4" fill="#00000014" />
        <path d="M32 44h56l-10 44H42Z" fill="#ffffffb0" />
        <path d="M35 56h50l-7 30H42Z" fill="#5a3424" />
        <path d="M33 46c2-14 14-12 18-22 10 4 6 10 16 10 10 1 18 4 20 12-12 8-42 8-54 0Z" fill="#74462f" />
        <path d="M50 38c4-4 10-4 14-2" stroke="#a87658" strokeWidth="3" fill="none" strokeLinecap="round" />
        <path d="M58 88h4v10h-4zM46 98h28v4H46z" fill="#ffffffd0" />
        <circle cx="74" cy="36" r="5" fill="#c8375a" />
      </>
    ),
  },
  drink: {
    tint: "#f9f0b4",
    shapes: (
      <>
        <ellipse cx="60" cy="103" rx="24" ry="4" fill="#00000014" />
        <path d="m66 40 14-28 10-2" stroke="#d8432b" strokeWidth="5" fill="none" strokeLinecap="round" />
        <path d="M36 32h48l-6 70H42Z" fill="#ffffff90" />
        <path d="M38 48h44l-5 51H43Z" fill="#f6d64a" />
        <rect x="46" y="54" width="13" height="13" rx="3" fill="#ffffffa0" transform="rotate(12 52 60)" />
        <rect x="60" y="70" width="12" height="12" rx="3" fill="#ffffffa0" transform="rotate(-14 66 76)" />
        <circle cx="38" cy="36" r="14" fill="#f2b91f" />
        <circle cx="38" cy="36" r="10.5" fill="#fdeb93" />
        <path d="M38 26v20M28 36h20M31 29l14 14M45 29 31 43" stroke="#f2b91f" strokeWidth="1.6" />
      </>
    ),
  },
};

const unknown: Drawing = { tint: "#eee6da", shapes: plate };

/** The dish's drawing: decoration, since the name stands next to it. */
export function DishArt({ art }: { art: string }) {
  const drawing = (Object.hasOwn(drawings, art) ? drawings[art] : undefined) ?? unknown;
  return (
    <svg className="dish-art" viewBox="0 0 120 120" style={{ background: drawing.tint }} aria-hidden="true">
      {drawing.shapes}
    </svg>
  );
}
