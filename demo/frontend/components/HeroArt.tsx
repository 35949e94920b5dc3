/** A laid table, drawn: decoration only. */
export function HeroArt() {
  return (
    <svg className="hero-art" viewBox="0 0 460 380" aria-hidden="true">
      <path
        d="M236 18c92-8 186 44 204 134 18 92-42 196-150 212-104 16-236-22-262-128C2 134 104 30 236 18Z"
        fill="#f7d9a8"
      />
      <circle cx="66" cy="86" r="14" fill="#d8432b" />
      <circle cx="412" cy="318" r="20" fill="#2f6a4d" />
      <circle cx="398" cy="64" r="8" fill="#fff" />
      <ellipse cx="236" cy="306" rx="168" ry="22" fill="#dcb87c" opacity=".7" />
      <path d="M84 190h304c0 66-48 116-112 116h-80C132 306 84 256 84 190Z" fill="#d8432b" />
      <path d="M84 190h304c0 13-2 25-5 36H89c-3-11-5-23-5-36Z" fill="#b93320" />
      <ellipse cx="236" cy="190" rx="152" ry="36" fill="#fff6e6" />
      <ellipse cx="236" cy="190" rx="134" ry="28" fill="#e8a33d" />
      <path
        d="M126 186c30-22 58 18 88 0s58 18 88 0 40 6 46 8M134 200c28-18 54 14 84 0s60 14 90-2"
        stroke="#fbe0a6"
        strokeWidth="8"
        strokeLinecap="round"
        fill="none"
      />
      <ellipse cx="176" cy="178" rx="34" ry="20" fill="#fffdf8" />
      <ellipse cx="178" cy="177" rx="15" ry="10" fill="#f4a62a" />
      <path d="M268 158c26-16 62-8 70 12-26 14-60 10-70-12Z" fill="#2f6a4d" />
      <path d="M272 160c20 6 40 8 60 9" stroke="#8fc39f" strokeWidth="3" strokeLinecap="round" />
      <circle cx="246" cy="204" r="10" fill="#d8432b" />
      <circle cx="274" cy="208" r="8" fill="#d8432b" />
      <g stroke="#6a4528" strokeWidth="9" strokeLinecap="round">
        <path d="m300 176 108-92" />
        <path d="m316 184 114-78" />
      </g>
      <g className="steam" stroke="#fff" strokeWidth="8" strokeLinecap="round" fill="none">
        <path d="M170 130c-16-20 16-30 0-54" />
        <path d="M220 120c-16-20 16-30 0-54" />
        <path d="M270 128c-16-20 16-30 0-54" />
      </g>
    </svg>
  );
}
