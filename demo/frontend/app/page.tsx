import { HeroArt } from "../components/HeroArt";
import { Shop } from "../components/Shop";

/** The same page for everybody, rendered once at build time: menu and cart are the browser's business. */
export default function Page() {
  return (
    <>
      <a className="skip" href="#menu">
        Skip to the menu
      </a>
      <header className="top">
        <a className="brand" href="/" aria-label="FeastFlow, start page">
          <svg viewBox="0 0 32 32" aria-hidden="true">
            <rect width="32" height="32" rx="9" fill="currentColor" />
            <path d="M7 16h18a9 9 0 0 1-18 0Z" fill="#fff8ee" />
            <path d="M12 12c-1.6-2 1.6-3 0-5M20 12c-1.6-2 1.6-3 0-5" stroke="#fff8ee" strokeWidth="2" fill="none" />
          </svg>
          <span>FeastFlow</span>
        </a>
        <nav aria-label="Page">
          <a href="#menu">Menu</a>
          <a href="#cart">Your order</a>
        </nav>
      </header>
      <main>
        <Shop>
          <section className="hero">
            <div className="hero-text">
              <p className="eyebrow">Open kitchen, every evening</p>
              <h1>
                Good food, <em>cooked to order.</em>
              </h1>
              <p className="lead">
                A short menu, made from scratch when you ask for it. Pick your dishes, tell us your name, and we start
                cooking.
              </p>
              <a className="button" href="#menu">
                See today&rsquo;s menu
              </a>
            </div>
            <HeroArt />
          </section>
          <noscript>
            <p className="notice">Menu and orders need JavaScript, which this browser has switched off.</p>
          </noscript>
        </Shop>
      </main>
      <footer className="foot">
        <p>FeastFlow. Cooked to order, every time.</p>
      </footer>
    </>
  );
}
