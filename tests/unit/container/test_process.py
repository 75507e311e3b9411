"""What programs in a guest run as."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from wirt import errors
from wirt.container.process import exec_process, guest_process
from wirt.kinds.capabilities import DEFAULT, available
from wirt.kinds.facts import Facts
from wirt.kinds.mounts import INIT_PATH
from wirt.model.guest import ExecSpec, Guest, Ulimit
from wirt.model.launch import Launch

NewLaunch = Callable[..., Launch]
NewGuest = Callable[..., Guest]
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

pytestmark = pytest.mark.usefixtures("every_capability")


def test_environment_is_dockers(new_launch: NewLaunch, facts: Facts) -> None:
    assert guest_process(new_launch(), facts).env == (PATH, "HOSTNAME=somewhere", "HOME=/root")
    with_terminal = guest_process(new_launch(tty=True), facts)
    assert with_terminal.terminal
    assert "TERM=xterm" in with_terminal.env


def test_environment_of_the_guest_wins(new_launch: NewLaunch, facts: Facts) -> None:
    env = guest_process(new_launch(env=("PATH=/mine", "HOME=/h", "A=1", "A=2", "HOSTNAME", "EMPTY=")), facts).env
    assert env == ("PATH=/mine", "HOME=/h", "A=2", "EMPTY=")


def test_root_holds_its_capabilities_and_others_may_only_gain_them(new_launch: NewLaunch, facts: Facts) -> None:
    root, bob = guest_process(new_launch(), facts), guest_process(new_launch(user="bob"), facts)
    assert root.capabilities is not None
    assert bob.capabilities is not None
    assert root.capabilities.effective == root.capabilities.permitted == root.capabilities.bounding == DEFAULT
    assert (bob.capabilities.effective, bob.capabilities.permitted, bob.capabilities.bounding) == ((), (), DEFAULT)


def test_user_and_home_come_from_the_guests_files(new_launch: NewLaunch, facts: Facts) -> None:
    process = guest_process(new_launch(user="bob", group_add=("77",)), facts)
    assert (process.user.uid, process.user.gid, process.user.additional_gids) == (1000, 1001, (1001, 29, 10, 77))
    assert "HOME=/home/bob" in process.env


def test_init_goes_before_the_command(new_launch: NewLaunch, facts: Facts) -> None:
    process = guest_process(new_launch("sleep", "1", launch={"init_path": "/usr/bin/tini-static"}), facts)
    assert process.args == (INIT_PATH, "--", "sleep", "1")


def test_options_reach_the_process(new_launch: NewLaunch, facts: Facts) -> None:
    process = guest_process(
        new_launch(security_opt=("no-new-privileges",), ulimits=(Ulimit("core", 0, 0),), workdir="/srv"), facts
    )
    assert process.no_new_privileges
    assert [limit.type for limit in process.rlimits] == ["RLIMIT_CORE"]
    assert process.cwd == "/srv"
    assert process.oom_score_adj == 0


def test_oom_score_is_left_alone_where_it_cannot_be_set(new_launch: NewLaunch, facts: Facts) -> None:
    bare = dataclasses.replace(facts, may_set_oom_score=False)
    assert guest_process(new_launch(), bare).oom_score_adj is None


@pytest.mark.parametrize(
    ("members", "name"),
    [({}, "wirt-default"), ({"privileged": True}, "unconfined"), ({"security_opt": ("apparmor=mine",)}, "mine")],
)
def test_apparmor_profile_where_the_kernel_has_it(
    new_launch: NewLaunch, facts: Facts, members: dict[str, object], name: str
) -> None:
    with_apparmor = dataclasses.replace(facts, apparmor=True)
    assert guest_process(new_launch(**members), with_apparmor).apparmor_profile == name
    assert guest_process(new_launch(**members), facts).apparmor_profile == ""


def test_no_command_is_refused(new_launch: NewLaunch, facts: Facts) -> None:
    launch = new_launch()
    bare = dataclasses.replace(launch, guest=dataclasses.replace(launch.guest, argv=()))
    with pytest.raises(errors.InvalidInput, match="no command"):
        guest_process(bare, facts)


def test_relative_workdir_is_refused(new_launch: NewLaunch, facts: Facts) -> None:
    with pytest.raises(errors.InvalidInput, match='"srv" is not an absolute path'):
        guest_process(new_launch(workdir="srv"), facts)


# -- exec ---------------------------------------------------------------------------------------------------------


def test_exec_inherits_from_the_guest(new_guest: NewGuest, facts: Facts, rootfs: Path) -> None:
    guest = new_guest(user="bob", workdir="/srv", env=("A=1", "B=1"), cap_drop=("CHOWN",))
    process = exec_process(guest, facts, str(rootfs), ExecSpec(command=("id",), env=("B=2", "C=3")))
    assert (process.args, process.cwd, process.user.uid) == (("id",), "/srv", 1000)
    assert process.env == (PATH, "HOSTNAME=somewhere", "A=1", "B=2", "C=3", "HOME=/home/bob")
    assert process.capabilities is not None
    assert "CAP_CHOWN" not in process.capabilities.bounding


def test_exec_may_differ_from_the_guest(new_guest: NewGuest, facts: Facts, rootfs: Path) -> None:
    spec = ExecSpec(command=("id",), user="root:audio", workdir="/tmp", tty=True, privileged=True)
    process = exec_process(new_guest(user="bob"), facts, str(rootfs), spec)
    assert (process.user.uid, process.user.gid, process.cwd) == (0, 29, "/tmp")
    assert process.terminal
    assert "TERM=xterm" in process.env
    assert process.capabilities is not None
    assert set(process.capabilities.effective) >= set(available())


def test_exec_without_a_command_is_refused(new_guest: NewGuest, facts: Facts, rootfs: Path) -> None:
    with pytest.raises(errors.InvalidInput, match="no command"):
        exec_process(new_guest(), facts, str(rootfs), ExecSpec(command=()))
