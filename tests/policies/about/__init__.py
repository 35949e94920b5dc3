"""The cases of every rule about one object, a module a category."""

from . import access, availability, database, images, network, pods, probes, resources, secrets
from .shape import About

ABOUT: dict[str, About] = {
    **access.ABOUT,
    **availability.ABOUT,
    **database.ABOUT,
    **images.ABOUT,
    **network.ABOUT,
    **pods.ABOUT,
    **probes.ABOUT,
    **resources.ABOUT,
    **secrets.ABOUT,
}
