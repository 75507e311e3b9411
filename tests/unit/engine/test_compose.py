"""A new guest from what was asked for and what the image says, by Docker's rules."""

from __future__ import annotations

import pytest

from wirt.engine.compose import compose, effective_mounts, effective_ports
from wirt.errors import InvalidInput
from wirt.model.guest import Guest, GuestSpec, HealthCheck, Mount, MountType, PortBinding
from wirt.model.image import ImageConfig

IMAGE = ImageConfig(
    user="app",
    env=("PATH=/bin", "LANG=C"),
    entrypoint=("/entry",),
    command=("serve", "--fast"),
    workdir="/srv",
    labels={"vendor": "us", "tier": "gold"},
    stop_signal="SIGQUIT",
    exposed_ports=("80/tcp", "53/udp"),
    volumes=("/data",),
)


def made(spec: GuestSpec, config: ImageConfig = IMAGE) -> Guest:
    return compose(spec, config, guest_id="ab" * 32, name="n", image_id="sha256:0", now=1.0)


def test_image_says_what_is_not_asked() -> None:
    guest = made(GuestSpec("i"))
    assert guest.argv == ("/entry", "serve", "--fast")
    assert (guest.user, guest.workdir, guest.stop_signal) == ("app", "/srv", "SIGQUIT")
    assert guest.hostname == "abababababab"


@pytest.mark.parametrize(
    ("spec", "argv"),
    [
        (GuestSpec("i", command=("other",)), ("/entry", "other")),
        (GuestSpec("i", entrypoint=("/mine",)), ("/mine",)),
        (GuestSpec("i", entrypoint=("/mine",), command=("x",)), ("/mine", "x")),
        (GuestSpec("i", entrypoint=(), command=("x",)), ("x",)),
    ],
)
def test_command_and_entrypoint_combine_as_in_docker(spec: GuestSpec, argv: tuple[str, ...]) -> None:
    assert made(spec).argv == argv


def test_nothing_to_run_is_refused() -> None:
    with pytest.raises(InvalidInput, match="nothing of what to run"):
        made(GuestSpec("i"), ImageConfig())


def test_environment_later_assignments_count() -> None:
    guest = made(GuestSpec("i", env=("LANG=de", "NEW=1", "PATH")))
    assert guest.env == ("LANG=de", "NEW=1")


def test_labels_of_the_guest_cover_the_images() -> None:
    assert made(GuestSpec("i", labels={"tier": "tin"})).labels == {"vendor": "us", "tier": "tin"}


@pytest.mark.parametrize("network", ["host", "none", "container:x"])
def test_ports_need_a_network_of_ones_own(network: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be published"):
        made(GuestSpec("i", network=network, ports=(PortBinding(80),)))


def test_healthcheck_fills_gaps_from_the_image() -> None:
    config = ImageConfig(command=("x",), healthcheck=HealthCheck(("CMD", "probe"), interval=7, retries=5))
    guest = made(GuestSpec("i", healthcheck=HealthCheck(retries=2)), config)
    assert guest.healthcheck == HealthCheck(("CMD", "probe"), interval=7, retries=2)
    assert made(GuestSpec("i", healthcheck=HealthCheck(("NONE",))), config).healthcheck is None


def test_image_volumes_give_way_to_mounts() -> None:
    mine = Mount(MountType.BIND, "/data/", "/host")
    assert effective_mounts(GuestSpec("i", mounts=(mine,)), IMAGE) == (Mount(MountType.BIND, "/data", "/host"),)
    assert effective_mounts(GuestSpec("i"), IMAGE) == (Mount(MountType.VOLUME, "/data"),)


def test_mounts_are_made_from_the_outside_in() -> None:
    mounts = (Mount(MountType.TMPFS, "/a/b/c"), Mount(MountType.TMPFS, "/a"), Mount(MountType.TMPFS, "/a/b"))
    order = [mount.target for mount in effective_mounts(GuestSpec("i", mounts=mounts), ImageConfig())]
    assert order == ["/a", "/a/b", "/a/b/c"]


@pytest.mark.parametrize("target", ["relative", "/", "/a/../b", "", "//"])
def test_bad_mount_targets_are_refused(target: str) -> None:
    with pytest.raises(InvalidInput):
        effective_mounts(GuestSpec("i", mounts=(Mount(MountType.TMPFS, target),)), ImageConfig())


def test_two_mounts_at_one_place_are_refused() -> None:
    twice = (Mount(MountType.TMPFS, "/t"), Mount(MountType.TMPFS, "/t/"))
    with pytest.raises(InvalidInput, match="two mounts"):
        effective_mounts(GuestSpec("i", mounts=twice), ImageConfig())


def test_publish_all_adds_exposed_ports_that_are_not_published() -> None:
    spec = GuestSpec("i", publish_all=True, ports=(PortBinding(80, 8080),), expose=("9000",))
    assert effective_ports(spec, IMAGE) == (
        PortBinding(80, 8080),
        PortBinding(53, 0, "udp"),
        PortBinding(9000, 0, "tcp"),
    )


@pytest.mark.parametrize("port", [PortBinding(0), PortBinding(70000), PortBinding(80, 70000), PortBinding(80, 1, "x")])
def test_impossible_ports_are_refused(port: PortBinding) -> None:
    with pytest.raises(InvalidInput, match="no port to publish"):
        effective_ports(GuestSpec("i", ports=(port,)), ImageConfig())
