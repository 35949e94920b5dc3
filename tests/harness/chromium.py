"""A customer with a real browser: Debian's Chromium without a screen, which reaches nothing but loopback."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support import expected_conditions as expected
from selenium.webdriver.support.wait import WebDriverWait

from .running import Ran, run

_SECONDS = 20
# The page retries with growing pauses, of at most 30 s and a quarter of that.
_RETRY_SECONDS = 60
_WINDOW = "1280,1500"
_PACKAGES = ("chromium", "chromium-driver")
_COMMANDS = ("chromium", "chromedriver")


@dataclass(frozen=True, kw_only=True)
class Confirmation:
    """An order as the page confirms it."""

    number: str
    heading: str
    dishes: list[str]
    total: str


class Customer:
    """A customer's actions on the page, and reads of it. Every read waits, for a bounded time."""

    def __init__(self, driver: Chrome, shots: Path) -> None:
        self._driver = driver
        self._shots = shots
        self._wait = WebDriverWait(driver, _SECONDS)

    def opens(self, url: str) -> str:
        """Go to a page; returns its title."""
        self._driver.get(url)
        return self._driver.title

    def reloads(self) -> None:
        """Ask for the same page again, and see nothing of the old one afterwards."""
        self._driver.refresh()

    def reads_menu(self) -> list[str]:
        """Return the names of the dishes on the page."""
        self._wait.until(expected.visibility_of_element_located(_by_id("menu-item")))
        names = self._driver.find_elements(By.CSS_SELECTOR, "[data-testid='menu-item'] h3")
        return [name.text for name in names]

    def adds(self, dish: str, times: int = 1) -> None:
        """Put a dish into the cart."""
        button = self._wait.until(
            expected.element_to_be_clickable(
                (By.CSS_SELECTOR, f"[data-dish='{dish}'] [data-testid='add-to-cart']")
            )
        )
        for _ in range(times):
            button.click()

    def orders_as(self, name: str) -> Confirmation:
        """Fill in the name, place the order, and read what the page says to it."""
        cart = self._element("cart")
        cart.find_element(By.NAME, "name").send_keys(name)
        self._element("place-order").click()
        confirmation = self._element("order-confirmation")
        lines = confirmation.find_elements(By.CSS_SELECTOR, "li:not(.sum)")
        return Confirmation(
            number=self._element("order-number").text,
            heading=confirmation.find_element(By.TAG_NAME, "h2").text,
            dishes=[line.text.splitlines()[0] for line in lines],
            total=confirmation.find_element(By.CSS_SELECTOR, ".sum span:last-child").text,
        )

    def sees(self, *words: str) -> str:
        """Wait until all of them are on the page, in any case of letters; return its text."""
        body = (By.TAG_NAME, "body")

        def there(driver: Chrome) -> str | None:
            text = driver.find_element(*body).text
            return text if all(word.lower() in text.lower() for word in words) else None

        return str(self._wait.until(there, message=f"{', '.join(words)}: not on the page"))

    def reads_banner(self) -> str:
        """Wait for the offline banner and return its text."""
        return self._element("offline-banner").text

    def sees_banner_go(self) -> bool:
        """Return True once the offline banner disappears by itself."""
        gone = expected.invisibility_of_element_located(_by_id("offline-banner"))
        return bool(WebDriverWait(self._driver, _RETRY_SECONDS).until(gone))

    def sees_banner(self) -> bool:
        """Return True if the offline banner is shown now."""
        return any(banner.is_displayed() for banner in self._driver.find_elements(*_by_id("offline-banner")))

    def photographs(self, name: str) -> Path:
        """Keep a picture of the window."""
        self._shots.mkdir(parents=True, exist_ok=True)
        path = self._shots / f"{name}.png"
        self._driver.save_screenshot(str(path))
        return path

    def complaints(self) -> list[str]:
        """Return the errors on the browser's console since the last look."""
        entries: list[dict[str, str]] = self._driver.get_log("browser")  # type: ignore[no-untyped-call]
        return [entry["message"] for entry in entries if entry["level"] == "SEVERE"]

    def _element(self, testid: str) -> WebElement:
        return self._wait.until(expected.visibility_of_element_located(_by_id(testid)))


def installed() -> str | None:
    """Have Chromium and its driver; says what is missing when they cannot be had."""
    if all(map(shutil.which, _COMMANDS)):
        return None
    if os.geteuid() == 0 and shutil.which("apt-get"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        _apt("update", environment)
        done = _apt("install", environment, "--yes", "--no-install-recommends", *_PACKAGES)
        if all(map(shutil.which, _COMMANDS)):
            return None
        return f"Debian's {' and '.join(_PACKAGES)} could not be installed:\n{done.text[-1500:]}"
    return f"a browser is missing; install it: apt-get install {' '.join(_PACKAGES)}"


@contextmanager
def customer(shots: Path, profile: Path) -> Iterator[Customer]:
    """Yield a browser for the length of the block, with a profile of its own."""
    options = ChromeOptions()
    options.binary_location = shutil.which("chromium") or "chromium"
    for argument in (
        "--headless=new",
        "--no-sandbox",  # root has no user namespace to be sandboxed in
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--no-first-run",
        "--force-prefers-reduced-motion",  # a page that is still scrolling cannot be clicked
        "--no-proxy-server",
        "--host-resolver-rules=MAP *.localhost 127.0.0.1,MAP * ~NOTFOUND,EXCLUDE 127.0.0.1",
        "--lang=en-US",
        f"--window-size={_WINDOW}",
        f"--user-data-dir={profile}",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = Service(executable_path=shutil.which("chromedriver") or "chromedriver")
    driver = Chrome(options=options, service=service)
    try:
        driver.set_page_load_timeout(_SECONDS)
        yield Customer(driver, shots)
    finally:
        driver.quit()


def _by_id(testid: str) -> tuple[str, str]:
    return By.CSS_SELECTOR, f"[data-testid='{testid}']"


def _apt(action: str, environment: dict[str, str], *arguments: str) -> Ran:
    return run(["apt-get", action, *arguments], environment=environment, timeout=900)
