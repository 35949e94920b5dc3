"""Cases of the objectives: what fails or is slow, how fast, and for how long."""

from collections.abc import Mapping

from .case import BACKEND, BOUNDS, NAMESPACE, Case, durations, grows, requests

_DAY = 1440
_FRONTEND = f"{NAMESPACE}-feastflow-frontend-3000@kubernetes"
_GATEWAYS = (
    f"httproute-{NAMESPACE}-feastflow-gw-{NAMESPACE}-feastflow-ep-web-0-799bcbf0c2317c5d1c93"
    f"-svc-{NAMESPACE}-feastflow-backend-0@kubernetesgateway"
)
_CANARY = f"{NAMESPACE}-feastflow-backend-canary-5000@kubernetes"
_OTHER_STACK = "feastflow-dev-feastflow-backend-5000@kubernetes"
_PROMISED = "backend of feastflow-prod, requests: {} in 30 days; that budget burns"
_FAILED = _PROMISED.format("99.9 % must not fail")
_SLOW = _PROMISED.format("99 % must be answered within 500 ms")


def _case(alert: str, about: str, minutes: int, interval: int, series: Mapping[str, tuple[str, str]]) -> Case:
    return Case(
        alert=alert,
        about=about,
        severity="page" if alert.endswith("Fast") else "ticket",
        series=series,
        labels={"tier": "backend"},
        summary=_FAILED if alert.startswith("Error") else _SLOW,
        minutes=minutes,
        interval=interval,
        group=f"feastflow-{NAMESPACE}-backend-objective",
    )


def _failing(share: float, alike: float, minutes: int, interval: int = 1) -> dict[str, tuple[str, str]]:
    """Return a thousand requests a sample, of which these shares fail."""
    samples = minutes // interval + 10
    return {
        requests("200"): (grows(1000 * (1 - share), samples), grows(1000 * (1 - alike), samples)),
        requests("503"): (grows(1000 * share, samples), grows(1000 * alike, samples)),
    }


def _slow(share: float, alike: float, minutes: int, interval: int = 1) -> dict[str, tuple[str, str]]:
    """Return a thousand requests a sample: these shares take more than 1.2 s, the others 0.3 s at most."""
    samples = minutes // interval + 10

    def buckets(late: float) -> dict[str, str]:
        under = (500, 1000 * (1 - late), 1000 * (1 - late), 1000, 1000)
        return {bound: grows(each, samples) for bound, each in zip(BOUNDS, under, strict=True)}

    return {
        requests("200"): (grows(1000, samples), grows(1000, samples)),
        **{durations(bound): (buckets(share)[bound], buckets(alike)[bound]) for bound in BOUNDS},
    }


CASES = (
    _case("ErrorBudgetBurnsFast", "2 % fail", 15, 1, _failing(0.02, 0.0005, 15)),
    _case(
        "ErrorBudgetBurnsFast",
        "2 % fail behind a Gateway",
        15,
        1,
        {
            requests("200", _GATEWAYS): (grows(980, 30), grows(980, 30)),
            requests("502", _GATEWAYS): (grows(20, 30), ""),
            # Clients' own mistakes are none of the tier's.
            requests("404", _GATEWAYS): ("", grows(200, 30)),
        },
    ),
    _case(
        "ErrorBudgetBurnsFast",
        "a canary fails",
        15,
        1,
        {
            requests("200"): (grows(500, 30), grows(500, 30)),
            requests("500", _CANARY): (grows(50, 30), ""),
            # Another stack's failures, and another tier's.
            requests("500", _OTHER_STACK): ("", grows(500, 30)),
            requests("500", _FRONTEND): ("", grows(500, 30)),
        },
    ),
    _case("ErrorBudgetBurnsFast", "0.8 % fail for hours", 400, 10, _failing(0.008, 0.002, 400, 10)),
    _case(
        "ErrorBudgetBurnsFast",
        "all fail",
        12,
        1,
        {
            requests("503"): (grows(100, 20), ""),
            requests("200"): ("", grows(100, 20)),
            requests("200", BACKEND.replace("backend", "backendless")): (grows(100, 20), ""),
        },
    ),
    _case("ErrorBudgetBurnsSlowly", "0.4 % fail for a day", _DAY, 30, _failing(0.004, 0.0005, _DAY, 30)),
    _case(
        "ErrorBudgetBurnsSlowly",
        "0.2 % fail for three days",
        3 * _DAY,
        60,
        _failing(0.002, 0.0008, 3 * _DAY, 60),
    ),
    _case("LatencyBudgetBurnsFast", "40 % take seconds", 15, 1, _slow(0.4, 0.005, 15)),
    _case("LatencyBudgetBurnsFast", "8 % take seconds for hours", 400, 10, _slow(0.08, 0.02, 400, 10)),
    _case("LatencyBudgetBurnsSlowly", "4 % take seconds for a day", _DAY, 30, _slow(0.04, 0.005, _DAY, 30)),
    _case(
        "LatencyBudgetBurnsSlowly",
        "2 % take seconds for three days",
        3 * _DAY,
        60,
        _slow(0.02, 0.005, 3 * _DAY, 60),
    ),
)
